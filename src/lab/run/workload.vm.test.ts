import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureImage } from '../../guest/image/image.ts'
import { Observation } from '../../shared/documents/index.ts'
import { experimentError, parseExperimentYaml } from '../experiment-file.ts'
import { runExperiment } from './run-experiment.ts'
import type { RunRequest } from './run-state.ts'

let root: string

beforeAll(async () => {
  await ensureImage()
  root = await mkdtemp(join(tmpdir(), 'kho-lab-workload-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const SOURCE = `name: workload test
machine: { memory: 512MiB }
kernel: { cmdline: nokaslr }
accelerator: tcg
workload:
  - boot: 0
    steps:
      - allocate: { name: kept, order: 0..10 }
      - allocate: { name: lost, order: 3, count: 4 }
      - allocate: { name: area, kind: vmalloc, size: 2100KiB, huge: true }
      - allocate: { name: moved, order: 4, count: 20, movable: true }
      - preserve: [kept, area, moved]
      - churn: { operations: 2000, maxOrder: 3, hold: 8MiB }
  - boot: 1
    steps:
      - restore: [kept, area, moved]
      - verify: kept
      - put: kept
      - preserve: area
`

async function run(name: string, request: Partial<RunRequest> = {}) {
  const parsed = parseExperimentYaml(SOURCE, 'workload.yaml')
  if (!parsed.ok) throw experimentError(parsed.error)
  const out = join(root, name)
  const outcome = await runExperiment({ experiment: parsed.value, source: SOURCE, out, ...request })
  const observation = Observation.parse(JSON.parse(await readFile(join(out, 'observation.json'), 'utf8')))
  return { ...outcome, observation }
}

test('folios and a vmalloc area go over a kexec as the same memory, hashed from outside; what is not preserved is gone', async () => {
  const { comparison, exitCode, observation } = await run('whole')
  const wrong = comparison.claims.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')
  expect(wrong.map(({ id, reason }) => `${id}: ${reason}`)).toEqual([])
  expect(exitCode).toBe(0)
  const verdict = (id: string) => comparison.claims.find((claim) => claim.id === id)?.verdict
  for (const id of [
    'hop1.workload.restored',
    'hop1.workload.entries',
    'hop1.workload.kva',
    'hop1.handover.content',
    // Whether KHO takes the movable set is the guest's choice; what follows from it is predicted all the same.
    'hop1.zone.managed.node0.DMA32',
    'hop1.memblock.reserved',
  ])
    expect([id, verdict(id)]).toEqual([id, 'match'])
  const inherited = observation.hops[1]?.workload?.inherited
  const names = inherited?.ok === true ? inherited.value.map(({ name }) => name) : []
  expect(names.filter((name) => name !== 'moved')).toEqual(['kept', 'area'])
  // The control group: memory that nobody preserved does not stay as it was, so an unchanged digest means something.
  const control = observation.hops[1]?.host.control
  expect(control?.ok === true ? control.value : control).toMatchObject([{ name: 'lost', pages: 32 }])
  expect(control?.ok === true && control.value.every(({ changed }) => changed > 0)).toBe(true)
})

test('a guest that dies in the middle of a step leaves everything up to there', async () => {
  let pid = NaN
  const { comparison, exitCode, lost, observation } = await run('dies', {
    onMachine: (machine) => (pid = machine.pid),
    onEvent: (event) => {
      if (event.type === 'step' && event.hop === 1 && event.text.startsWith('restore area …')) process.kill(pid, 'SIGKILL')
    },
  })
  expect([exitCode, comparison.summary.run]).toEqual([2, 'lost'])
  expect(lost?.code).toBe('guest-died')
  expect(observation.hops.map(({ hop }) => hop)).toEqual([0])
  expect(observation.lost).toMatchObject({
    hop: 1,
    workload: { inherited: { ok: true }, steps: [{ step: 'restore kept', result: 'ok' }], left: { ok: false } },
  })
  const verdicts = (hop: number) => new Set(comparison.claims.filter((claim) => claim.hop === hop).map(({ verdict }) => verdict))
  expect(verdicts(0).has('unobserved')).toBe(false)
  expect(verdicts(1).has('match')).toBe(false)
  for (const format of ['html', 'md', 'txt', 'ktap'])
    expect(await readFile(join(root, 'dies', `report.${format}`), 'utf8')).toContain('killed')
})
