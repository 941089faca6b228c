import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Comparison } from '../../shared/documents/index.ts'
import { toLabError } from '../../shared/result.ts'
import { fixtureComparison } from '../desk-run.fixture.ts'
import { documentSha256 } from '../predict.ts'
import { earlierTrial } from './earlier.ts'
import { drawn } from './prove.ts'

const { experiment } = drawn(1, 0)
const own: Comparison = { ...fixtureComparison, experiment: { name: experiment.name, sha256: documentSha256(experiment) } }

let out: string
beforeEach(async () => (out = await mkdtemp(join(tmpdir(), 'kho-lab-earlier-'))))
afterEach(() => rm(out, { recursive: true }))

async function run(comparison?: Comparison): Promise<string> {
  const folder = join(out, '0000')
  await mkdir(folder)
  await writeFile(join(folder, 'run.json'), '{}')
  if (comparison !== undefined) await writeFile(join(folder, 'comparison.json'), JSON.stringify(comparison))
  return folder
}

it('takes a run that went to its end', async () => {
  const trial = await earlierTrial(await run(own), 0, experiment)
  expect(trial).toMatchObject({ index: 0, name: 'seed 1, experiment 0', end: { kind: 'compared', comparison: own } })
  expect(await readdir(out)).toEqual(['0000'])
})

it('puts runs aside that were lost or stopped, and keeps each', async () => {
  expect(await earlierTrial(await run({ ...own, lost: 'boot 0: the guest panicked' }), 0, experiment)).toBeUndefined()
  expect(await earlierTrial(await run(), 0, experiment)).toBeUndefined()
  expect((await readdir(out)).sort()).toEqual(['0000.again-1', '0000.again-2'])
})

it('knows nothing of experiments that were not begun', async () => {
  expect(await earlierTrial(join(out, '0000'), 0, experiment)).toBeUndefined()
})

it('refuses a folder of other experiments, and leaves it', async () => {
  const folder = await run(fixtureComparison)
  const error = await earlierTrial(folder, 0, experiment).then(() => undefined, toLabError)
  expect(error?.code).toBe('usage')
  expect(await readdir(out)).toEqual(['0000'])
})
