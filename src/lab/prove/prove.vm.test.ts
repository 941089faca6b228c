import { expect, test } from 'vitest'
import { prove } from './prove.ts'

/** Families whose every value follows from the experiment, the kernel's files and what KASLR drew. */
const PLACEMENT = ['scratch', 'kexec', 'firmware', 'loader']

/** A small part of `npm run prove`: experiment number `index` of a seed. Asserts that all of it was seen and nothing differed. */
async function proven(seed: number, index: number, workload: boolean) {
  const { signal } = new AbortController()
  const proof = await prove({ seed, count: 1, first: index, workload, jobs: 1, signal, onTrial: () => undefined })
  expect(proof.lost).toEqual([])
  expect(proof.open.filter(({ verdict }) => verdict === 'differ' || verdict === 'unobserved')).toEqual([])
  expect(proof.withoutDiffer).toBe(1)
  return proof
}

test('a drawn experiment does what is predicted, and nothing of placement is left open', { timeout: 600_000 }, async () => {
  const proof = await proven(1, 1, false)
  for (const family of PLACEMENT) expect(proof.families[family]).toMatchObject({ unpredicted: 0, differ: 0, unobserved: 0 })
  expect(proof.match).toBeGreaterThan(60)
})

test('and so does one with a workload in each of its four boots', { timeout: 600_000 }, async () => {
  const proof = await proven(7, 5, true)
  expect(proof.families['workload']?.match).toBeGreaterThan(10)
})
