import { describe, expect, it } from 'vitest'
import { MiB } from '../shared/units.ts'
import { translate } from './page-table.ts'
import { SyntheticMemory } from './testing/synthetic-memory.ts'

const TOP = 0x10_0000
const VMEMMAP = 0xffd4_0000_0000_0000n

/** Five levels: one page of 4 KiB, one of 2 MiB behind it, and one of 1 GiB. */
function tables(): SyntheticMemory {
  const memory = new SyntheticMemory([{ start: 0, end: 64 * MiB }])
  const entry = (table: number, index: number, value: bigint): void => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, value, true)
    memory.write(table + index * 8, bytes)
  }
  const index = (level: bigint): number => Number((VMEMMAP >> (12n + 9n * level)) & 511n)
  entry(TOP, index(4n), 0x11_0063n)
  entry(0x11_0000, index(3n), 0x12_0063n)
  entry(0x12_0000, index(2n), 0x13_0063n)
  entry(0x12_0000, index(2n) + 1, 0x8000_0000_8000_00e3n)
  entry(0x13_0000, index(1n), 0x14_0063n)
  entry(0x13_0000, index(1n) + 1, 0x8000_0000_0060_00e3n)
  entry(0x13_0000, index(1n) + 2, 0x7000_0000_0063n)
  entry(0x14_0000, index(0n), 0x8000_0000_0200_0063n)
  return memory
}

describe('translate', () => {
  it.each([
    ['a page', 0x123n, { start: 0x200_0123, length: 0x1000 - 0x123 }],
    ['a page of 2 MiB', 0x20_1000n, { start: 0x60_1000, length: 2 * MiB - 0x1000 }],
    ['a page of 1 GiB', 0x4000_0010n, { start: 0x8000_0010, length: 1024 * MiB - 0x10 }],
    ['nothing', 0x1000n, undefined],
    ['a table outside of RAM', 0x40_0000n, undefined],
  ])('finds %s', (_what, offset, found) => {
    expect(translate(tables(), TOP, 5, VMEMMAP + offset)).toEqual(found)
  })

  it('ends where the top table is not in RAM', () => {
    expect(translate(tables(), 2 ** 40, 4, VMEMMAP)).toBeUndefined()
  })
})
