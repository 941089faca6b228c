import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureImage } from '../../guest/image/image.ts'
import { parseExperimentYaml } from '../experiment-file.ts'
import { runExperiment } from './run-experiment.ts'

const EXPERIMENTS = join(import.meta.dirname, '../../../experiments')
let root: string

beforeAll(async () => {
  await ensureImage()
  root = await mkdtemp(join(tmpdir(), 'kho-lab-handovers-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** An experiment that the lab ships, as it is. */
async function runShipped(name: string) {
  const source = await readFile(join(EXPERIMENTS, `${name}.yaml`), 'utf8')
  const parsed = parseExperimentYaml(source, name)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const { comparison, exitCode, lost } = await runExperiment({ experiment: parsed.value, source, out: join(root, name) })
  return {
    exitCode,
    lost,
    ended: comparison.ended,
    findings: comparison.findings.map(({ id, status }) => `${id} ${status}`),
    claim: (id: string) => comparison.claims.find((claim) => claim.id === id),
    differing: comparison.claims.filter(({ verdict }) => verdict === 'differ').map(({ id, reason }) => `${id}: ${reason}`),
  }
}

test('memfds in LUO sessions, over two hops, found in RAM and taken back', async () => {
  const { differing, exitCode, claim } = await runShipped('luo-memfd')
  expect(differing).toEqual([])
  expect(exitCode).toBe(0)
  for (const id of ['hop0.luo.records', 'hop1.luo.sessions', 'hop2.luo.sessions']) {
    const { verdict, host } = claim(id) ?? {}
    expect([id, verdict, host !== undefined && 'value' in host]).toEqual([id, 'match', true])
  }
  expect(claim('hop1.luo.operations')?.verdict).toBe('match')
})

test('51 sessions and a name that is used twice: the next kernel panics, as predicted, and that is a finding', async () => {
  const { exitCode, lost, ended, findings } = await runShipped('luo-duplicate-name')
  expect([exitCode, lost]).toEqual([0, undefined])
  expect(ended).toMatch(/^boot 1 panicked, as predicted/)
  expect(findings).toContain('luo-empty-block confirmed')
})

test('a handover of another format: refused in words, a cold boot, and a handover again from there', async () => {
  const { differing, exitCode, claim } = await runShipped('fault-compatible')
  expect(differing).toEqual([])
  expect(exitCode).toBe(0)
  expect(claim('hop1.handover.refused')?.verdict).toBe('match')
  expect([claim('hop1.boot.outcome'), claim('hop2.boot.outcome')].map((outcome) => outcome?.predicted)).toEqual([
    { how: 'no-handover' },
    { how: 'handover' },
  ])
})

test('a radix root outside RAM: the next kernel dies before its console, and the lab says of what', async () => {
  const { exitCode, ended, claim } = await runShipped('fault-radix-outside-ram')
  expect(exitCode).toBe(0)
  expect(ended).toMatch(/^boot 1 panicked, as predicted/)
  expect(claim('hop1.boot.outcome')?.guest).toEqual({
    value: { how: 'panic', message: 'Attempted to kill the idle task!' },
  })
})

test('a record taken back with another order stays: reserved by the next kernel, marked, and gone with the kexec after that', async () => {
  const { differing, exitCode, claim } = await runShipped('fault-unpreserve-other-order')
  expect(differing).toEqual([])
  expect(exitCode).toBe(0)
  const marks = ['hop1.handover.marks', 'hop2.handover.marks'].map((id) => claim(id)?.host)
  const orders = marks.map((host) => JSON.stringify(host).match(/"order":[23]\b/g)?.length ?? 0)
  // Those of the set that was freed; the set that came over has order 9.
  expect(orders).toEqual([2, 0])
})

test('reserve_mem in another size: no region is handed on, and that is a finding', async () => {
  const { differing, exitCode, claim, findings } = await runShipped('fault-reserve-mem-size')
  expect(differing).toEqual([])
  expect(exitCode).toBe(0)
  expect(['hop1.tree.regions', 'hop2.tree.regions'].map((id) => [claim(id)?.predicted, claim(id)?.verdict])).toEqual([
    [false, 'match'],
    [false, 'match'],
  ])
  expect(findings).toContain('reserve-mem-in-scratch confirmed')
})

test('a radix root that is no node: the kernel halts without a word, and the run does not wait for more', async () => {
  const { exitCode, ended, claim } = await runShipped('fault-radix-garbage')
  expect(exitCode).toBe(0)
  expect(ended).toMatch(/^boot 1 halted, as predicted/)
  expect(claim('hop1.boot.outcome')?.guest).toEqual({ value: { how: 'halted', at: '__kho_radix_walk_tree' } })
})
