import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MEMORY_KINDS } from '../../shared/palette.ts'
import { indexLane, nextRange, rangesIn } from './lane-index.ts'
import { around, clamped, panned, revealing, ticksOf, zoomed } from './map-window.ts'
import { inksOf, LANE_ROWS, LanePainter } from './paint.ts'
import { flatten, sample, worst, type CodedRanges } from './segments.ts'

const spans = fc
  .array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 30 })), { maxLength: 40 })
  .map((list) => list.map(([start, size]) => ({ start, end: start + size })).sort((a, b) => a.start - b.start))
const coded = fc.tuple(spans, spans, spans).map((lists) =>
  lists.map((list, index): CodedRanges => ({
    code: index + 1,
    starts: Float64Array.from(list.map(({ start }) => start)),
    ends: Float64Array.from(list.map(({ end }) => end)),
  })),
)
/** What lies at an address, looked up range by range. */
const plain = (kinds: readonly CodedRanges[], from: number, to: number): number =>
  Math.max(
    0,
    ...kinds.flatMap(({ code, starts, ends }) =>
      [...starts].flatMap((start, index) => (start < to && (ends[index] ?? 0) > from ? [code] : [])),
    ),
  )

describe('inks', () => {
  it('are the same whether a style sheet writes a colour with three digits or with six', () => {
    expect(inksOf('light', '#fff').nothing).toBe(0xffffffff)
    expect(inksOf('light', '#1b1f21').nothing).toBe(0xff211f1b)
    expect(inksOf('light', '#abc').nothing).toBe(inksOf('light', '#aabbcc').nothing)
  })
})

describe('segments', () => {
  it('hold at every address the worst kind that any range puts there', () => {
    fc.assert(
      fc.property(coded, (kinds) => {
        const out = new Uint8Array(260)
        sample(flatten(kinds), 0, 1, out)
        out.forEach((code, address) => expect(code).toBe(plain(kinds, address, address + 1)))
      }),
    )
  })

  it('show in every column of any zoom the worst kind that lies in it', () => {
    fc.assert(
      fc.property(coded, fc.integer({ min: 0, max: 250 }), fc.integer({ min: 1, max: 64 }), (kinds, from, width) => {
        const out = new Uint8Array(9)
        sample(flatten(kinds), from, width, out)
        out.forEach((code, column) => expect(code).toBe(plain(kinds, from + column * width, from + (column + 1) * width)))
      }),
    )
  })

  it('answer for any run of segments as a walk over them does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.nat(), fc.nat(), (raw, a, b) => {
        const starts = Float64Array.from(raw, (_code, index) => index)
        const ends = Float64Array.from(raw, (_code, index) => index + 1)
        const segments = flatten(
          [...new Set(raw)]
            .filter((code) => code > 0)
            .map((code) => ({
              code,
              starts: starts.filter((at) => raw[at] === code),
              ends: ends.filter((at) => raw[at - 1] === code),
            })),
        )
        const [first, last] = [a % segments.codes.length, b % segments.codes.length].sort((x, y) => x - y) as [number, number]
        expect(worst(segments, first, last)).toBe(Math.max(...segments.codes.slice(first, last + 1)))
      }),
    )
  })
})

describe('lanes', () => {
  const lane = indexLane({
    name: 'host',
    missing: [],
    ranges: [
      { kind: 'ram', starts: [0], ends: [0x20000000], labels: [0] },
      { kind: 'scratch', starts: [0x1000000, 0x4000000], ends: [0x2000000, 0x5000000], labels: [1, 2] },
      { kind: 'preserved', starts: [0x1000, 0x1800000], ends: [0x2000, 0x1801000], labels: [3, 3] },
    ],
  })

  it('find every range at an address, what matters most first', () => {
    expect(rangesIn(lane, 0x1800000, 0x1800001).map(({ kind, start }) => [kind, start])).toEqual([
      ['preserved', 0x1800000],
      ['scratch', 0x1000000],
      ['ram', 0],
    ])
    expect(rangesIn(lane, 0x30000000, 0x30000001)).toEqual([])
  })

  it('agree with a walk over all ranges', () => {
    fc.assert(
      fc.property(spans, fc.nat(240), (list, at) => {
        const one = indexLane({
          name: 'host',
          missing: [],
          ranges: [
            { kind: 'ram', starts: list.map(({ start }) => start), ends: list.map(({ end }) => end), labels: list.map(() => 0) },
          ],
        })
        const walked = list.filter(({ start, end }) => start <= at && at < end)
        expect(rangesIn(one, at, at + 1)).toHaveLength(Math.min(32, walked.length))
      }),
    )
  })

  it('go from one range of a kind to the next, round and round', () => {
    const columns = lane.kinds.find(({ kind }) => kind === 'scratch')
    if (!columns) throw new Error('the lane has no scratch')
    expect([0, 0x1000000, 0x4000000].map((at) => nextRange(columns, at)?.start)).toEqual([0x1000000, 0x4000000, 0x1000000])
  })

  it('have a rank for every kind', () => expect(MEMORY_KINDS.length).toBeLessThan(255))
})

describe('the window', () => {
  const TIB = 2 ** 40
  const any = fc.record({ start: fc.integer({ min: -(2 ** 41), max: 2 ** 41 }), span: fc.integer({ min: 1, max: 2 ** 42 }) })

  it('never leaves memory and never gets closer than one page', () => {
    fc.assert(
      fc.property(
        any,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (raw, factor, at) => {
          for (const window of [
            clamped(raw, TIB),
            zoomed(clamped(raw, TIB), factor, at, TIB),
            panned(clamped(raw, TIB), factor - 50, TIB),
          ]) {
            expect(window.start).toBeGreaterThanOrEqual(0)
            expect(window.start + window.span).toBeLessThanOrEqual(TIB)
            expect(window.span).toBeGreaterThanOrEqual(4096)
          }
        },
      ),
    )
  })

  it('zooms around the address under the pointer, from all of a TiB to one page and back', () => {
    let window = clamped({ start: 0, span: TIB }, TIB)
    const address = 0.37 * TIB
    for (let step = 0; step < 200 && window.span > 4096; step++)
      window = zoomed(window, 0.8, (address - window.start) / window.span, TIB)
    expect(window.span).toBe(4096)
    expect(Math.abs(window.start + window.span / 2 - address)).toBeLessThan(4096)
  })

  it('shows a range with its neighbours, and moves only when it must', () => {
    expect(around(0x10000, 0x20000, TIB)).toEqual({ start: 0, span: 0x30000 })
    const window = { start: 0x10000, span: 0x10000 }
    expect(revealing(window, 0x18000, TIB)).toBe(window)
    expect(revealing(window, 0x80000, TIB)).toEqual({ start: 0x78000, span: 0x10000 })
  })

  it('has few round ticks', () => {
    const { step, addresses } = ticksOf({ start: 0x3fff0000, span: 0x40000000 }, 10)
    expect([step, addresses[0], addresses.length]).toEqual([0x8000000, 0x40000000, 8])
  })
})

describe('a lane as strips', () => {
  const nothing = 0xff_00_00_00
  const inks = { byCode: Uint32Array.from([nothing, ...MEMORY_KINDS.map((_kind, index) => index + 1)]), nothing }
  const painted = (ranges: Parameters<typeof indexLane>[0]['ranges'], height: number) => {
    const pixels = new Uint32Array(10 * LANE_ROWS)
    const lane = indexLane({ name: 'host', missing: [], ranges })
    const strips = new LanePainter(10).paint(lane, { start: 0, span: 100 }, inks, { pixels, first: 0, top: 5, height })
    return { pixels, strips }
  }
  const range = (kind: (typeof MEMORY_KINDS)[number], start: number, end: number) => ({
    kind,
    starts: [start],
    ends: [end],
    labels: [0],
  })

  it('covers every pixel of its height once', () => {
    for (const height of [1, 3, 10, 14, 110])
      for (const kind of ['ram', 'difference'] as const) {
        const covered = Array.from({ length: height }, () => 0)
        for (const { top, height: own } of painted([range(kind, 0, 100)], height).strips)
          for (let y = top - 5; y < top - 5 + own; y++) covered[y] = (covered[y] ?? 0) + 1
        expect(covered).toEqual(covered.map(() => 1))
      }
  })

  it('has what holds memory inside what memory is, and what is in it innermost', () => {
    const { pixels } = painted([range('ram', 0, 100), range('scratch', 20, 60), range('kernel', 30, 40)], 20)
    const code = (kind: (typeof MEMORY_KINDS)[number]): number => MEMORY_KINDS.indexOf(kind) + 1
    const at = (row: number, x: number): number => pixels[row * 10 + x] ?? 0
    expect([at(0, 3), at(1, 3), at(2, 3)]).toEqual([code('ram'), code('scratch'), code('kernel')])
    expect([at(0, 5), at(1, 5), at(2, 5)]).toEqual([code('ram'), code('scratch'), code('scratch')])
  })
})
