import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Side } from '../shared/documents/index.ts'
import { sameJson, type Json } from '../shared/json.ts'
import { judge } from './verdict.ts'

/** Few values, so that equal ones are drawn often. */
const json = fc.oneof(
  fc.constantFrom<Json[]>('0x1000', '0x2000', 1, null, false, [], {}),
  fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json),
)
const none = fc.constantFrom('ENOENT: out/fdt', 'guest RAM could not be read').map((unobserved): Side => ({ unobserved }))
const some = json.map((value): Side => ({ value }))
const side = fc.oneof(none, some)
const unpredicted = fc
  .constantFrom('no-rule' as const, 'given-missing' as const)
  .map((kind) => ({ unpredicted: { kind, reason: 'no rule for it' } }))

const equals = (shown: Side, predicted: Json): boolean => 'value' in shown && sameJson(shown.value, predicted)

describe('judge', () => {
  it('matches exactly when something was read and everything that was read is as predicted', () => {
    fc.assert(
      fc.property(json, side, side, (predicted, guest, host) => {
        const read = [guest, host].filter((shown) => 'value' in shown)
        const expected = read.length === 0 ? 'unobserved' : read.every((shown) => equals(shown, predicted)) ? 'match' : 'differ'
        expect(judge({ predicted }, guest, host).verdict).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('never matches without a reading', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          json.map((predicted) => ({ predicted })),
          unpredicted,
          fc.constant({}),
        ),
        none,
        none,
        (claim, guest, host) => {
          expect(['unobserved', 'unpredicted']).toContain(judge(claim, guest, host).verdict)
        },
      ),
    )
  })

  it('never matches without a prediction, and takes a contradiction between guest and host as a difference', () => {
    fc.assert(
      fc.property(fc.oneof(unpredicted, fc.constant({})), side, side, (claim, guest, host) => {
        const { verdict, reason } = judge(claim, guest, host)
        const contradict = 'value' in guest && 'value' in host && !sameJson(guest.value, host.value)
        const missing = 'unpredicted' in claim && claim.unpredicted.kind === 'given-missing' ? 'unobserved' : 'unpredicted'
        expect(verdict).toBe(contradict ? 'differ' : missing)
        if (contradict) expect(reason).toContain('contradict')
      }),
    )
  })

  it('gives a reason always', () => {
    fc.assert(
      fc.property(fc.option(json, { nil: undefined }), side, side, (predicted, guest, host) => {
        expect(judge({ predicted }, guest, host).reason).not.toBe('')
      }),
    )
  })

  it('says which side shows what', () => {
    const missing: Side = { unobserved: 'debugfs does not show the radix tree' }
    expect(
      [
        judge({ predicted: 3 }, { value: 3 }, { value: 3 }),
        judge({ predicted: 3 }, missing, { value: 3 }),
        judge({ predicted: 3 }, { value: 2 }, { value: 3 }),
        judge({ predicted: 3 }, { value: 2 }, { value: 2 }),
        judge({ predicted: 3 }, missing, missing),
        judge({ unpredicted: { kind: 'no-rule', reason: 'there is no rule' } }, { value: 2 }, { value: 3 }),
        judge({ unpredicted: { kind: 'given-missing', reason: 'hop0.tree.address was not observed' } }, { value: 2 }, missing),
      ].map(({ verdict, reason }) => `${verdict}: ${reason}`),
    ).toMatchInlineSnapshot(`
      [
        "match: guest and host both show the predicted value",
        "match: the host shows the predicted value; guest: debugfs does not show the radix tree",
        "differ: guest: the value is 2, predicted 3; guest and host contradict each other: the value is 2, the host shows 3",
        "differ: guest and host: the value is 2, predicted 3",
        "unobserved: debugfs does not show the radix tree",
        "differ: guest and host contradict each other: the value is 2, the host shows 3; nothing was predicted: there is no rule",
        "unobserved: cannot be predicted: hop0.tree.address was not observed",
      ]
    `)
  })
})
