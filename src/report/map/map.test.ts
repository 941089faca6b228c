import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare } from '../../compare/compare.ts'
import { sampleClaims, sampleMeta, sampleObservation, samplePrediction } from '../../compare/sample.fixture.ts'
import { describe as words, drawMap } from './draw.ts'
import { lanesOf, type Mark } from './lanes.ts'
import { subtract, union, type Span } from './ranges.ts'
import { boundariesOf, clustered, schematicScale } from './scale.ts'

const spans = fc.array(
  fc.tuple(fc.nat(60), fc.nat(12)).map(([start, size]): Span => ({ start, end: start + size })),
  { maxLength: 8 },
)
const inside = (set: readonly Span[], address: number): boolean => set.some(({ start, end }) => address >= start && address < end)
const addresses = Array.from({ length: 80 }, (_unused, address) => address)

describe('ranges', () => {
  it('union and subtract agree with sets of addresses', () => {
    fc.assert(
      fc.property(spans, spans, (a, b) => {
        for (const address of addresses) {
          expect(inside(union(a), address)).toBe(inside(a, address))
          expect(inside(subtract(a, b), address)).toBe(inside(a, address) && !inside(b, address))
        }
      }),
    )
  })

  it('union leaves spans that neither touch nor overlap', () => {
    fc.assert(
      fc.property(spans, (a) => {
        const merged = union(a)
        merged.slice(1).forEach((span, index) => expect(span.start).toBeGreaterThan(merged[index]?.end ?? Infinity))
      }),
    )
  })
})

describe('schematicScale', () => {
  it('keeps the order of addresses, gives every stretch room and fills the width', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2 ** 40), { minLength: 2, maxLength: 72 }), (boundaries) => {
        const scale = schematicScale(boundaries, 1000)
        const sorted = [...boundaries].sort((a, b) => a - b)
        const places = sorted.map((address) => scale.x(address))
        places.slice(1).forEach((x, index) => expect(x - (places[index] ?? 0)).toBeGreaterThan(1))
        expect(places[0]).toBe(0)
        expect(places.at(-1)).toBeCloseTo(1000, 6)
      }),
    )
  })

  it('joins the closest records when there are too many to label', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(10_000), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 2, max: 20 }),
        (starts, limit) => {
          const sorted = starts.sort((a, b) => a - b).map((start) => ({ start: start * 2, end: start * 2 + 1 }))
          const groups = clustered(sorted, limit)
          expect(groups.length).toBeLessThanOrEqual(Math.max(limit, 1))
          for (const { start, end } of sorted) expect(groups.some((group) => group.start <= start && end <= group.end)).toBe(true)
        },
      ),
    )
    expect(boundariesOf([])).toEqual([0])
  })
})

describe('lanesOf', () => {
  const extras = (observation = sampleObservation()) => ({ observation, prediction: samplePrediction() })

  it('shows no difference in a run that agreed', () => {
    const comparison = compare(sampleClaims(), sampleObservation(), sampleMeta())
    for (const hop of [0, 1]) expect(lanesOf(comparison, extras(), hop).at(-1)?.marks).toEqual([])
  })

  it('draws exactly the addresses on which a claim and a side differ', () => {
    const observation = sampleObservation()
    const segments = observation.hops[0]?.guest.kexecSegments
    const kernel = segments?.ok === true ? segments.value[3] : undefined
    if (kernel) kernel.start = '0x3d800000'
    const comparison = compare(sampleClaims(), observation, sampleMeta())
    expect(lanesOf(comparison, extras(observation), 1).at(-1)?.marks.map(words)).toMatchInlineSnapshot(`
      [
        "kernel: shown by the guest, not predicted: 0x3d800000 – 0x3d9fffff (2 MiB)",
        "kernel: predicted, not shown by the guest: 0x3e4bb000 – 0x3e6bafff (2 MiB)",
      ]
    `)
  })

  it('shows the RAM that is predicted where no map of the firmware is', () => {
    const observation = sampleObservation()
    const { claims } = compare(sampleClaims(), observation, sampleMeta())
    const attached = claims.filter(({ subject }) => subject !== 'firmware.map')
    const ramOf = (of: typeof claims) =>
      lanesOf({ claims: of }, { observation, prediction: samplePrediction() }, 0)[0]?.marks.filter(({ kind }) => kind === 'ram')
        .length
    expect([ramOf(claims), ramOf(attached), attached.some(({ subject }) => subject === 'firmware.ram')]).toEqual([2, 1, true])
  })

  it('has no edge for what it does not draw', () => {
    const ram: Mark = { kind: 'ram', start: 0, end: 0x100000, label: 'RAM' }
    const hidden: Mark = { kind: 'reserved', start: 0x1000, end: 0x5000, label: 'reserved' }
    const drawn = (marks: readonly Mark[]): string => drawMap([{ name: 'host', marks, missing: [] }], 'map')
    expect(drawn([ram, hidden])).toBe(drawn([ram]))
    expect(drawn([ram, { ...hidden, kind: 'scratch' }])).not.toBe(drawn([ram]))
  })

  it('says what a lane cannot show', () => {
    const comparison = compare(sampleClaims(), sampleObservation(), sampleMeta())
    expect(lanesOf(comparison, extras(), 0).map(({ name, missing }) => [name, missing])).toEqual([
      ['predicted', ['scratch', 'kernel', 'initrd']],
      ['guest', ['preserved', 'initrd']],
      ['host', ['kernel', 'initrd']],
      ['difference', ['scratch.addresses (unpredicted)']],
    ])
  })
})
