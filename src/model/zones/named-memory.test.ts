import { describe, expect, it } from 'vitest'
import { MiB, PAGE_SIZE } from '../../shared/units.ts'
import type { NamedMemory } from '../boot/input.ts'
import { regionsKept, reserveMemLines } from './named-memory.ts'

const scratch = { ok: true as const, array: 0, regions: [{ start: 64 * MiB, size: 16 * MiB }] }
const region = (start: number | undefined, size: number, said?: string): NamedMemory => ({ name: 'r', size, start, said })

describe('reserve_mem regions', () => {
  it.each([
    ['below scratch', 60 * MiB, 4 * MiB, true],
    ['behind scratch', 80 * MiB, MiB, true],
    ['over the beginning', 60 * MiB, 4 * MiB + PAGE_SIZE, false],
    ['less than a page, inside', 65 * MiB, 100, false],
    ['without a whole page at its end, below', 63 * MiB, MiB + 100, true],
    ['nowhere', undefined, MiB, true],
  ])('%s', (_where, start, size, kept) => {
    expect(regionsKept({ named: [region(1 * MiB, MiB), region(start, size)], scratch })).toBe(kept)
  })

  it('are all kept where KHO has no scratch', () => {
    expect(regionsKept({ named: [region(64 * MiB, MiB)], scratch: undefined })).toBe(true)
  })

  it('are spoken of one by one, and together where one is refused', () => {
    const named = [region(MiB, MiB, 'Revived'), region(64 * MiB, MiB)]
    expect(reserveMemLines({ named, scratch }, true)).toEqual(['Revived', 'failed to prepare memblock FDT for KHO: -22'])
    expect(reserveMemLines({ named, scratch }, false)).toEqual(['Revived'])
  })
})
