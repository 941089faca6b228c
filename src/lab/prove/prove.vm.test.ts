import { expect, test } from 'vitest'
import { prove } from './prove.ts'

/** Families whose every value follows from the experiment, the kernel's files and what KASLR drew. */
const PLACEMENT = ['scratch', 'kexec', 'firmware', 'loader']

// A small part of `npm run prove`: two drawn experiments with six boots between them.
test('drawn experiments do what is predicted, and nothing of placement is left open', { timeout: 600_000 }, async () => {
  const proof = await prove({
    seed: 1,
    count: 2,
    first: 0,
    jobs: 2,
    signal: new AbortController().signal,
    onTrial: () => undefined,
  })
  expect(proof.lost).toEqual([])
  expect(proof.open.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')).toEqual([])
  expect(proof.withoutDiffer).toBe(2)
  for (const family of PLACEMENT) expect(proof.families[family]).toMatchObject({ unpredicted: 0, differ: 0, unobserved: 0 })
  expect(proof.match).toBeGreaterThan(150)
})

test('and so do drawn workloads', { timeout: 600_000 }, async () => {
  const proof = await prove({
    seed: 7,
    count: 2,
    first: 4,
    workload: true,
    jobs: 2,
    signal: new AbortController().signal,
    onTrial: () => undefined,
  })
  expect(proof.lost).toEqual([])
  expect(proof.open.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')).toEqual([])
  expect(proof.withoutDiffer).toBe(2)
  expect(proof.families['workload']?.match).toBeGreaterThan(10)
})
