import type { MapLane, MapRanges } from '../../shared/boot-views.ts'
import { MEMORY_KINDS, type MemoryKind } from '../../shared/palette.ts'
import { flatten, type Segments } from './segments.ts'

/** Ranges of one kind as columns. They ascend by start; they may overlap. */
export interface KindColumns {
  readonly kind: MemoryKind
  readonly starts: Float64Array
  readonly ends: Float64Array
  readonly labels: Uint32Array
  /** Largest end of this range and all before it: how far back a range that holds an address can begin. */
  readonly reach: Float64Array
}

/** A lane ready to be drawn and asked: one structure of arrays per kind, and its layers without overlaps. */
export interface LaneIndex {
  readonly name: string
  readonly kinds: readonly KindColumns[]
  /** From the bottom up: what memory is, what holds it, what is in it. */
  readonly layers: readonly Segments[]
  readonly missing: readonly string[]
}

export const LAYERS = 3
const LAYER_OF: Readonly<Record<MemoryKind, number>> = {
  ram: 0,
  firmware: 0,
  difference: 0,
  scratch: 1,
  reserved: 1,
  pagetable: 2,
  initrd: 2,
  kernel: 2,
  segment: 2,
  handover: 2,
  preserved: 2,
}

export function indexLane(lane: MapLane, name: string = lane.name): LaneIndex {
  const kinds = lane.ranges.map(columnsOf)
  const layers = Array.from({ length: LAYERS }, (_unused, layer) =>
    flatten(
      kinds
        .filter(({ kind }) => LAYER_OF[kind] === layer)
        .map(({ kind, starts, ends }) => ({ code: MEMORY_KINDS.indexOf(kind) + 1, starts, ends })),
    ),
  )
  return { name, kinds, layers, missing: lane.missing }
}

function columnsOf({ kind, starts, ends, labels }: MapRanges): KindColumns {
  const reach = new Float64Array(ends.length)
  let furthest = 0
  ends.forEach((end, index) => {
    furthest = Math.max(furthest, end)
    reach[index] = furthest
  })
  return { kind, starts: Float64Array.from(starts), ends: Float64Array.from(ends), labels: Uint32Array.from(labels), reach }
}

export interface FoundRange {
  readonly kind: MemoryKind
  readonly start: number
  readonly end: number
  readonly label: number
}

/** More than this at one address cannot be read. */
const FOUND_LIMIT = 32

/** The ranges of a lane that hold a byte of [from, to), the worst kind first, of one kind the shortest first. */
export function rangesIn(lane: LaneIndex, from: number, to: number): FoundRange[] {
  const found: FoundRange[] = []
  for (const columns of [...lane.kinds].reverse()) {
    const own: FoundRange[] = []
    for (let index = firstAtOrAfter(columns.starts, to) - 1; index >= 0; index--) {
      if ((columns.reach[index] ?? 0) <= from || own.length >= FOUND_LIMIT) break
      if ((columns.ends[index] ?? 0) > from) own.push(rangeAt(columns, index))
    }
    found.push(...own.sort((a, b) => a.end - a.start - (b.end - b.start)))
  }
  return found.slice(0, FOUND_LIMIT)
}

export const rangeAt = ({ kind, starts, ends, labels }: KindColumns, index: number): FoundRange => ({
  kind,
  start: starts[index] ?? 0,
  end: ends[index] ?? 0,
  label: labels[index] ?? 0,
})

/** The first range of the kind that begins after `address`; from the start again when there is none. */
export function nextRange(columns: KindColumns, address: number): FoundRange | undefined {
  if (columns.starts.length === 0) return undefined
  const index = firstAtOrAfter(columns.starts, address + 1)
  return rangeAt(columns, index < columns.starts.length ? index : 0)
}

/** Index of the first value that is at least `wanted`, in an ascending list. */
export function firstAtOrAfter(values: Float64Array, wanted: number, from = 0): number {
  let low = from
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
