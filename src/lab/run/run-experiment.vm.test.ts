import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ensureImage } from '../../guest/image/image.ts'
import type { RunEvent } from '../../shared/contract.ts'
import { Comparison, Observation, Prediction, type Experiment } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { experimentError, parseExperimentYaml } from '../experiment-file.ts'
import { documentSha256 } from '../predict.ts'
import { runExperiment } from './run-experiment.ts'
import type { RunRequest } from './run-state.ts'

let kernel: string
let directory: string

beforeAll(async () => {
  kernel = (await ensureImage()).kernel
})
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kho-lab-run-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

function experiment(text: string): { readonly source: string; readonly experiment: Experiment } {
  const source = `name: run test\nmachine: { memory: 512MiB }\naccelerator: tcg\n${text}`
  const parsed = parseExperimentYaml(source, 'test.yaml')
  if (!parsed.ok) throw experimentError(parsed.error)
  return {
    source,
    experiment: { ...parsed.value, kernels: parsed.value.kernels.map(({ cmdline }) => ({ image: kernel, cmdline })) },
  }
}

const run = (text: string, request: Partial<RunRequest> = {}) =>
  runExperiment({ ...experiment(text), out: join(directory, 'out'), ...request })
const document = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(directory, 'out', name), 'utf8'))

const DOCUMENTS = [
  'comparison.json',
  'events.json',
  'experiment.json',
  'experiment.yaml',
  'observation.json',
  'prediction.json',
  'prediction.sha256',
  'raw',
  'report.html',
  'report.ktap',
  'report.md',
  'report.txt',
  'run.json',
]

describe('one hop', () => {
  test('is predicted, run, observed, compared and reported', async () => {
    const events: RunEvent[] = []
    const outcome = await run('kho: { liveupdate: true }\nreserveMem: [{ name: trace, size: 4MiB }]\nhops: 1', {
      onEvent: (event) => events.push(event),
    })
    expect(outcome.lost).toBeUndefined()
    expect(
      outcome.comparison.claims
        .filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')
        .map(({ id, reason }) => `${id}: ${reason}`),
    ).toEqual([])
    expect(outcome.comparison.summary.match).toBeGreaterThan(40)
    expect(outcome.exitCode).toBe(0)
    expect(outcome.comparison.findings.map(({ id, hop, status }) => `${id} ${hop} ${status}`)).toEqual([
      'out-fdt-truncated 0 confirmed',
      'out-fdt-absent-after-kho-boot 1 confirmed',
    ])
    expect(
      events.filter(({ type }) => type === 'predicted' || type === 'started' || type === 'finished').map(({ type }) => type),
    ).toEqual(['predicted', 'started', 'finished'])

    expect((await readdir(outcome.directory)).sort()).toEqual(DOCUMENTS)
    const prediction = Prediction.parse(await document('prediction.json'))
    expect(outcome.comparison.prediction.sha256).toBe(documentSha256(prediction))
    expect(Comparison.parse(await document('comparison.json'))).toEqual(outcome.comparison)
    const observation = Observation.parse(await document('observation.json'))
    expect(outcome.comparison.prediction.at < observation.environment.endedAt).toBe(true)
    expect(outcome.comparison.resolutions.map(({ hop }) => hop)).toEqual([0])
    for (const { file, sha256 } of observation.raw) {
      expect(
        createHash('sha256')
          .update(await readFile(join(outcome.directory, file)))
          .digest('hex'),
      ).toBe(sha256)
    }
  })
})

test('a scratch without room for the kernel: the refusal is predicted and seen, and that is the end of the run', async () => {
  const outcome = await run('kho: { scratch: "4M,0M,4M" }\nhops: 2')
  expect(outcome.exitCode).toBe(0)
  expect(outcome.lost).toBeUndefined()
  expect(outcome.comparison.summary).toMatchObject({ run: 'agreed', differ: 0, unobserved: 0 })
  expect(outcome.comparison.ended).toMatch(/^boot 0 refused to load the next kernel/)
  expect(outcome.comparison.claims.filter(({ hop }) => hop > 0)).toMatchObject([
    { id: 'hop1.kexec.load', verdict: 'match', predicted: { accepted: false } },
  ])
  expect((await readdir(outcome.directory)).sort()).toEqual(DOCUMENTS)
})

describe('runs that do not reach their end keep what they have', () => {
  test('a run that is cancelled while the guest boots', async () => {
    const abort = new AbortController()
    const outcome = await run('hops: 1', {
      signal: abort.signal,
      onEvent: (event) => {
        if (event.type === 'phase') abort.abort()
      },
    })
    expect(outcome.lost?.code).toBe('cancelled')
    expect(outcome.exitCode).toBe(2)
    expect(Observation.parse(await document('observation.json')).lost).toMatchObject({ code: 'cancelled', hop: 0 })
    expect((await readdir(outcome.directory)).sort()).toEqual(DOCUMENTS)
  })

  test('kho=off: the run goes on, without a directory and without a tree', async () => {
    const outcome = await run('kho: { enabled: false }\nhops: 0')
    expect(outcome.comparison.summary).toMatchObject({ differ: 0, unobserved: 0 })
    expect(outcome.comparison.claims.find(({ id }) => id === 'hop0.boot.kho')).toMatchObject({
      verdict: 'match',
      predicted: false,
    })
  })

  test('a file that is no kernel: nothing starts, and the reason stays in the folder', async () => {
    const file = join(directory, 'vmlinux')
    await writeFile(file, Buffer.alloc(4096))
    const { experiment: sound, source } = experiment('hops: 0')
    const out = join(directory, 'out')
    const failure = await runExperiment({ experiment: { ...sound, kernels: [{ image: file, cmdline: '' }] }, source, out }).catch(
      (error: unknown) => error,
    )
    expect(failure instanceof LabError && failure.code).toBe('bad-kernel')
    expect(await document('failure.json')).toMatchObject({ code: 'bad-kernel' })
  })
})
