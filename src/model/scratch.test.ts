import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MiB } from '../shared/units.ts'
import { memparse } from './memparse.ts'
import { parseScratch, scratchKinds, scratchSizes } from './scratch.ts'

const ALIGN = 4 * MiB

describe('parseScratch', () => {
  it.each([
    [[], { kind: 'percent', percent: 200 }],
    [['150%'], { kind: 'percent', percent: 150 }],
    [['+7%'], { kind: 'percent', percent: 7 }],
    [['0%'], { kind: 'sizes', lowmem: 0, global: 0, perNode: 0 }],
    [['4294967295%'], { kind: 'percent', percent: 4294967295 }],
    [['4294967296%'], { kind: 'percent', percent: 200, refused: '4294967296%' }],
    [['%'], { kind: 'percent', percent: 200, refused: '%' }],
    [['1.5%'], { kind: 'percent', percent: 200, refused: '1.5%' }],
    [['20M,0M,44M'], { kind: 'sizes', lowmem: 20 * MiB, global: 0, perNode: 44 * MiB }],
    [['0x1000000,1024K,0'], { kind: 'sizes', lowmem: 16 * MiB, global: MiB, perNode: 0 }],
    [['0,0,0'], { kind: 'percent', percent: 200, refused: '0,0,0' }],
    [['20M,0M'], { kind: 'percent', percent: 200, refused: '20M,0M' }],
    [['20M,0M,44M,'], { kind: 'percent', percent: 200, refused: '20M,0M,44M,' }],
    [['20M, 0M,44M'], { kind: 'percent', percent: 200, refused: '20M, 0M,44M' }],
    [['20MB,0M,44M'], { kind: 'percent', percent: 200, refused: '20MB,0M,44M' }],
    [['150%', 'x'], { kind: 'percent', percent: 150, refused: 'x' }],
    [['150%', '1M,1M,1M'], { kind: 'sizes', lowmem: MiB, global: MiB, perNode: MiB }],
  ])('%j', (texts, request) => {
    expect(parseScratch(texts)).toEqual(request)
  })
})

describe('memparse', () => {
  it.each([
    ['010', 8],
    ['0x10k', 16384],
    ['12M', 12582912],
    ['1g', 1073741824],
    ['', undefined],
    ['M', undefined],
    ['5x', undefined],
  ])('%j', (text, value) => {
    expect(memparse(text)).toBe(value)
  })
})

describe('scratchSizes', () => {
  it('rounds explicit sizes up, all of them', () => {
    expect(scratchSizes({ kind: 'sizes', lowmem: 17 * MiB, global: 0, perNode: MiB }, 2, ALIGN)).toEqual([
      20 * MiB,
      0,
      4 * MiB,
      4 * MiB,
    ])
  })

  it('does not know what percent comes to', () => {
    expect(scratchSizes({ kind: 'percent', percent: 200 }, 1, ALIGN)).toBeUndefined()
  })

  it('has one size per kind, aligned, at least what was asked and less than one alignment more', () => {
    const size = fc.integer({ min: 0, max: 2 ** 40 })
    fc.assert(
      fc.property(size, size, size, fc.integer({ min: 1, max: 8 }), (lowmem, global, perNode, nodes) => {
        const sizes = scratchSizes({ kind: 'sizes', lowmem, global, perNode }, nodes, ALIGN) ?? []
        expect(sizes).toHaveLength(scratchKinds(Array.from({ length: nodes }, (_unused, node) => node)).length)
        sizes.forEach((rounded, index) => {
          const asked = [lowmem, global][index] ?? perNode
          expect(rounded % ALIGN).toBe(0)
          expect(rounded - asked).toBeGreaterThanOrEqual(0)
          expect(rounded - asked).toBeLessThan(ALIGN)
        })
      }),
    )
  })
})
