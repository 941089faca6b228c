import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MiB } from '../shared/units.ts'
import { orderBytes, preserveRange } from './preserve.ts'

describe('a range becomes records', () => {
  test('12 MiB at 0x7f400000: order 10, then order 11', () => {
    expect(preserveRange(0x7f400000, 12 * MiB)).toEqual([
      { start: 0x7f400000, order: 10 },
      { start: 0x7f800000, order: 11 },
    ])
  })

  test('records cover the range without gap, each aligned to its size and as large as may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 - 1 }), fc.integer({ min: 0, max: 2 ** 22 }), (pfn, pages) => {
        const records = preserveRange(pfn * 4096, pages * 4096)
        let next = pfn * 4096
        for (const { start, order } of records) {
          expect(start).toBe(next)
          expect(start % orderBytes(order)).toBe(0)
          next = start + orderBytes(order)
          // One order more would be misaligned or too long.
          expect(start % orderBytes(order + 1) === 0 && start + orderBytes(order + 1) <= (pfn + pages) * 4096).toBe(false)
        }
        expect(next).toBe((pfn + pages) * 4096)
      }),
    )
  })

  test('no record crosses a node boundary, and the order falls only as far as it must', () => {
    const boundary = 0x80000
    const nodeOf = (pfn: number): number => (pfn < boundary + 3 ? 0 : 1)
    expect(preserveRange(boundary * 4096, 16 * 4096, nodeOf)).toEqual([
      { start: 0x80000000, order: 1 },
      { start: 0x80002000, order: 0 },
      { start: 0x80003000, order: 0 },
      { start: 0x80004000, order: 2 },
      { start: 0x80008000, order: 3 },
    ])
  })

  test('only the first and the last page are looked at, as in the kernel: a foreign page between them goes unseen', () => {
    expect(preserveRange(0x100000, 0x4000, (pfn) => (pfn === 0x101 ? 1 : 0))).toEqual([{ start: 0x100000, order: 2 }])
  })

  test('a size that is no multiple of a page loses its tail; less than a page preserves nothing', () => {
    expect([preserveRange(0x5000, 5000), preserveRange(0x5000, 4095)]).toEqual([[{ start: 0x5000, order: 0 }], []])
  })

  test('page frame 0 is refused', () => {
    expect(() => preserveRange(0, 4096)).toThrow(RangeError)
  })
})
