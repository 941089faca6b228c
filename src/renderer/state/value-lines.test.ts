import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../shared/json.ts'
import { differingPaths, oneLine, valueLines, differingRuns } from './value-lines.ts'

const text = (value: Json): string =>
  valueLines(value)
    .map((line) => '  '.repeat(line.depth) + line.text)
    .join('\n')

describe('a value as lines', () => {
  it('keeps short records on one line and lines their indexes up', () => {
    expect(
      text({
        count: 3,
        regions: [
          { start: '0x3a400000', size: '0x4400000' },
          { start: '0x3e800000', size: '0x0' },
          { start: '0x33800000', size: '0x3c00000' },
        ],
      }),
    ).toMatchInlineSnapshot(`
        "count: 3
        regions:
          0  {start: 0x3a400000, size: 0x4400000}
          1  {start: 0x3e800000, size: 0x0}
          2  {start: 0x33800000, size: 0x3c00000}"
      `)
  })

  it('shows a blob as rows of 8 bytes', () => {
    expect(text({ hex: `d00dfeed${'6b686f2d'.repeat(16)}` })).toMatchInlineSnapshot(`
      "hex: 68 bytes
        0000  d0 0d fe ed 6b 68 6f 2d  ....kho-
        0008  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0010  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0018  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0020  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0028  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0030  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0038  6b 68 6f 2d 6b 68 6f 2d  kho-kho-
        0040  6b 68 6f 2d              kho-"
    `)
  })

  it('writes control and direction characters out', () => {
    expect(oneLine('a\u001b[2Jb\u202ec\nd')).toBe('a\\x1b[2Jb\\u202ec\\nd')
  })

  it('stays bounded for huge values', () => {
    expect(valueLines(Array.from({ length: 100_000 }, (_unused, index) => `line ${index} ${'x'.repeat(70)}`)).length).toBe(5001)
    expect(oneLine('x'.repeat(1_000_000), 200)).toHaveLength(200)
  })
})

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>

it('marks nothing in a value against itself, and every path once', () => {
  fc.assert(
    fc.property(json, (value) => {
      const lines = valueLines(value)
      expect(differingPaths(lines, lines).size).toBe(0)
      expect(new Set(lines.map((line) => line.path)).size).toBe(lines.length)
    }),
  )
})

it('marks the line that differs', () => {
  const lines = valueLines({ a: ['x'.repeat(60), 'y'.repeat(60)] })
  const other = valueLines({ a: ['x'.repeat(60), 'z'.repeat(60)] })
  expect([...differingPaths(lines, other)]).toEqual(['/a/1'])
})

it('cuts a line at the places that differ', () => {
  expect(differingRuns('0010  aa bb cc', '0010  aa bd cc')).toEqual([
    { text: '0010  aa b', differs: false },
    { text: 'b', differs: true },
    { text: ' cc', differs: false },
  ])
  expect(differingRuns('short', 'longer')).toEqual([{ text: 'short', differs: true }])
  expect(differingRuns('new', undefined)).toEqual([{ text: 'new', differs: true }])
})
