import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ruleOfClaim } from './run-rule.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kho-lab-rule-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const claim = {
  id: 'hop0.scratch.count',
  subject: 'scratch.count',
  family: 'scratch',
  hop: 0,
  title: 'Number of scratch regions',
  basis: [
    { function: 'kho_reserve_scratch', file: 'kernel/liveupdate/kexec_handover.c', release: '7.3' },
    { function: 'pc_memory_init', file: 'qemu/hw/i386/pc.c', release: 'QEMU 7.2' },
  ],
  prediction: { kind: 'rule', rule: 'some-rule', inputs: { nodes: 1 }, given: ['hop0.scratch.regions'] },
}
const write = (claims: unknown): Promise<void> =>
  writeFile(
    join(folder, 'prediction.json'),
    JSON.stringify({
      document: 'kho-lab/prediction',
      version: 1,
      experimentSha256: 'a'.repeat(64),
      model: { version: '1' },
      kernels: [],
      cmdlines: [],
      claims,
    }),
  )

it('says the rule in words, what it is given, and how to read its functions', async () => {
  await write([claim])
  expect(await ruleOfClaim(folder, claim.id)).toEqual({
    words: 'One region of low memory, one global, one for each node that has memory.',
    kind: 'rule',
    rule: 'some-rule',
    inputs: '{\n  "nodes": 1\n}',
    given: ['hop0.scratch.regions'],
    sources: [
      {
        name: 'kho_reserve_scratch',
        file: 'kernel/liveupdate/kexec_handover.c',
        release: '7.3',
        command: "git grep -hW 'kho_reserve_scratch(' v7.3 -- kernel/liveupdate/kexec_handover.c",
      },
      { name: 'pc_memory_init', file: 'qemu/hw/i386/pc.c', release: 'QEMU 7.2', command: undefined },
    ],
  })
})

it('says why there is none to show', async () => {
  await expect(ruleOfClaim(folder, claim.id)).rejects.toMatchObject({ code: 'run-not-found' })
  await write([claim])
  await expect(ruleOfClaim(folder, 'hop0.none')).rejects.toMatchObject({ code: 'run-not-found' })
})
