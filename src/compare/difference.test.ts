import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sameJson, type Json } from '../shared/json.ts'
import { describeDifference, firstDifference, shortValue } from './difference.ts'

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as Json)
const told = (expected: Json, seen: Json): string => {
  const difference = firstDifference(expected, seen)
  return difference === undefined ? 'equal' : describeDifference(difference)
}

describe('firstDifference', () => {
  it('finds none exactly where the values are equal', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(firstDifference(a, b) === undefined).toBe(sameJson(a, b))
        expect(firstDifference(a, a)).toBeUndefined()
      }),
    )
  })

  it('names values that do differ', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const difference = firstDifference(a, b)
        if (difference !== undefined) expect(sameJson(difference.expected, difference.seen)).toBe(false)
      }),
    )
  })

  it('says in words what differs', () => {
    expect({
      scalar: told('7.3.4', '7.3.5'),
      key: told([{ start: '0x1000', order: 0 }], [{ start: '0x1000', order: 1 }]),
      more: told([], ['0x1']),
      fewer: told({ violations: ['a'] }, { violations: [] }),
      bytes: told({ size: 3, hex: 'd00dfe' }, { size: 3, hex: 'd00eff' }),
      shorter: told({ size: 3, hex: 'd00dfe' }, { size: 2, hex: 'd00d' }),
      hash: told({ address: '0x1', size: 2, sha256: 'aa' }, { address: '0x1', size: 2, sha256: 'bb' }),
      address: told({ address: '0x1', size: 2, sha256: 'aa' }, { address: '0x2', size: 2, sha256: 'aa' }),
      kind: told(null, false),
    }).toMatchInlineSnapshot(`
      {
        "address": "address is 0x2, predicted 0x1",
        "bytes": "the value first differs at offset 0x1: 0e, predicted 0d",
        "fewer": "violations[0] is missing, predicted a",
        "hash": "sha256 is bb, predicted aa",
        "key": "[0].order is 1, predicted 0",
        "kind": "the value is false, predicted null",
        "more": "[0] is 0x1, predicted nothing there",
        "scalar": "the value is 7.3.5, predicted 7.3.4",
        "shorter": "the value first differs at offset 0x2: the end of 2 bytes, predicted fe",
      }
    `)
  })

  it('shortens what would fill a screen', () => {
    expect(shortValue('x'.repeat(500))).toHaveLength(80)
    expect(shortValue({ present: false })).toBe('{"present":false}')
  })
})
