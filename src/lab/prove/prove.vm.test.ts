import { expect, test } from 'vitest'
import { prove } from './prove.ts'

/** Families whose every value follows from the experiment, the kernel's files and what KASLR drew. */
const PLACEMENT = ['scratch', 'kexec', 'firmware', 'loader']

// A small part of `npm run prove`: one drawn experiment, and one with a workload in each of its four boots.
test('a drawn experiment does what is predicted, and nothing of placement is left open', { timeout: 600_000 }, async () => {
  const proof = await prove({
    seed: 1,
    count: 1,
    first: 1,
    jobs: 1,
    signal: new AbortController().signal,
    onTrial: () => undefined,
  })
  expect(proof.lost).toEqual([])
  expect(proof.open.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')).toEqual([])
  expect(proof.withoutDiffer).toBe(1)
  for (const family of PLACEMENT) expect(proof.families[family]).toMatchObject({ unpredicted: 0, differ: 0, unobserved: 0 })
  expect(proof.match).toBeGreaterThan(60)
})

test('and so does a drawn workload', { timeout: 600_000 }, async () => {
  const proof = await prove({
    seed: 7,
    count: 1,
    first: 5,
    workload: true,
    jobs: 1,
    signal: new AbortController().signal,
    onTrial: () => undefined,
  })
  expect(proof.lost).toEqual([])
  expect(proof.open.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')).toEqual([])
  expect(proof.withoutDiffer).toBe(1)
  expect(proof.families['workload']?.match).toBeGreaterThan(10)
})
