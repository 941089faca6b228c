import { expect, it } from 'vitest'
import { GiB } from '../../shared/units.ts'
import { compareWithGuest } from './compare-with-guest.ts'
import { comparisonTables, PAGE_STEPS } from './page-comparison.ts'

/** Pages that the guest's own processes may take or give back in one step: a shell, cat, ssh, and what they free late. */
const OWN = 256
/** Max-order blocks that per-CPU lists may keep from becoming whole, and one that is claimed sooner or later for it. */
const blocksOf = (perCpuPages: number): number => 3 + Math.ceil(Math.abs(perCpuPages) / 512)

it('allocates and frees as a fresh guest does, to the pages that per-CPU lists hold', { timeout: 120_000 }, async () => {
  const steps = await compareWithGuest({ memory: GiB })
  expect(steps.map(({ words }) => words)).toEqual(PAGE_STEPS.map(({ words }) => words))
  let perCpu = 0
  for (const step of steps) {
    perCpu += step.perCpu
    const { words, rest, guestByOrder, modelByOrder, guestBlocks, modelBlocks } = step
    expect([words, Math.abs(rest) <= OWN]).toEqual([words, true])
    expect([words, Math.abs((guestByOrder[10] ?? 0) - (modelByOrder[10] ?? 0)) <= blocksOf(perCpu)]).toEqual([words, true])
    // A claim takes two pageblocks; a leftover on a per-CPU list makes one claim more.
    for (const [type, blocks] of guestBlocks.entries())
      expect([words, type, Math.abs(blocks - (modelBlocks[type] ?? 0)) <= 4]).toEqual([words, type, true])
  }
  // What was asked for is what both did, to a hundredth.
  const large = steps.filter(({ modelFree }) => Math.abs(modelFree) > 10_000)
  expect(large.length).toBeGreaterThanOrEqual(8)
  for (const { words, guestFree, perCpu: kept, modelFree } of large)
    expect([words, Math.abs((guestFree + kept) / modelFree - 1) < 0.01]).toEqual([words, true])
  expect(comparisonTables(steps)).toContain('| free large |')
})
