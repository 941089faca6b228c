import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRadixKey, encodeRadixKey, radixKey, radixLayout } from './radix.ts'

/** Any naturally aligned block of memory below 2^52. */
const record = fc
  .integer({ min: 0, max: 40 })
  .chain((order) =>
    fc.integer({ min: 0, max: 2 ** (40 - order) - 1 }).map((index) => ({ start: index * 2 ** (order + 12), order })),
  )

describe('keys', () => {
  test('worked examples of the format', () => {
    expect([
      encodeRadixKey(0x12345000, 0),
      encodeRadixKey(0x40000000, 9),
      encodeRadixKey(0x7f400000, 10),
      encodeRadixKey(0x7f800000, 11),
    ]).toEqual([0x0010000000012345n, 0x0000080000000200n, 0x400000001fdn, 0x200000000ffn])
  })

  test('every block has a key of its own that decodes to it', () => {
    fc.assert(
      fc.property(record, ({ start, order }) => {
        const key = encodeRadixKey(start, order)
        // The kernel's own expression, in 64-bit arithmetic (kho_encode_radix_key).
        expect(key).toBe((1n << BigInt(64 - 12 - order)) | (BigInt(start) >> BigInt(12 + order)))
        expect(decodeRadixKey(key)).toEqual({ start, order })
      }),
    )
  })

  test('64-bit noise decodes to a block of memory or to nothing', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (key) => {
        const decoded = decodeRadixKey(key)
        if (decoded === undefined) return
        expect(encodeRadixKey(decoded.start, decoded.order)).toBe(key)
        expect(decoded.start + 2 ** (decoded.order + 12)).toBeLessThanOrEqual(2 ** 52)
      }),
      { numRuns: 2000 },
    )
  })

  test('no key: 0, more than 53 bits, addresses of 2^52 and more', () => {
    expect([0n, 2n ** 53n, 2n ** 64n - 1n, -1n, (1n << 52n) | (1n << 40n)].map(decodeRadixKey)).toEqual(Array(5).fill(undefined))
    expect(decodeRadixKey((1n << 52n) | ((1n << 40n) - 1n))).toEqual({ start: 2 ** 52 - 4096, order: 0 })
  })

  test.each([
    [-4096, 0],
    [2 ** 52, 0],
    [0.5, 0],
    [0, -1],
    [0, 53],
    [0, 1.5],
    [Number.NaN, 0],
  ])('refuses address %s order %s', (start, order) => {
    expect(() => radixKey(start, order)).toThrow(RangeError)
  })
})

describe('layout', () => {
  test('an empty tree is a root without slots', () => {
    expect(radixLayout([])).toEqual([{ level: 5, prefix: 0, slots: [] }])
  })

  test('worked examples: 0x12345000 order 0 and 0x40000000 order 9', () => {
    expect(
      radixLayout([
        { start: 0x12345000, order: 0 },
        { start: 0x40000000, order: 9 },
      ]),
    ).toEqual([
      { level: 5, prefix: 0, slots: [0, 2] },
      { level: 4, prefix: 0, slots: [2] },
      { level: 3, prefix: 0x80000000000, slots: [0] },
      { level: 2, prefix: 0x80000000000, slots: [0] },
      { level: 1, prefix: 0x80000000000, slots: [0] },
      { level: 0, prefix: 0x80000000000, slots: [512] },
      { level: 4, prefix: 0x10000000000000, slots: [0] },
      { level: 3, prefix: 0x10000000000000, slots: [0] },
      { level: 2, prefix: 0x10000000000000, slots: [0] },
      { level: 1, prefix: 0x10000000000000, slots: [2] },
      { level: 0, prefix: 0x10000000010000, slots: [9029] },
    ])
  })

  test('order 11 at 0x7f800000: L3[256], bit 255', () => {
    expect(radixLayout([{ start: 0x7f800000, order: 11 }]).map(({ level, slots }) => [level, slots])).toEqual([
      [5, [0]],
      [4, [0]],
      [3, [256]],
      [2, [0]],
      [1, [0]],
      [0, [255]],
    ])
  })

  test('two records in one leaf need the same six nodes as one', () => {
    expect(
      radixLayout([
        { start: 0x1000, order: 0 },
        { start: 0x2000, order: 0 },
      ]).at(-1),
    ).toEqual({ level: 0, prefix: 2 ** 52, slots: [1, 2] })
  })
})
