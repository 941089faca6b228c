/**
 * Ranges of several kinds as segments that do not overlap: where kinds lie upon each other the one with the highest code is
 * left. Segment i is [starts[i], starts[i + 1]) and has codes[i]; 0 is nothing. The last one is empty and has no end.
 */
export interface Segments {
  readonly starts: Float64Array
  readonly codes: Uint8Array
  /** Level n holds the highest code of each run of 16 of level n - 1. */
  readonly pyramid: readonly Uint8Array[]
  /** The highest code of all: whoever has found it need not look on. */
  readonly most: number
}

export interface CodedRanges {
  /** 1 to 255; the highest wins. */
  readonly code: number
  /** Ascending. */
  readonly starts: Float64Array
  readonly ends: Float64Array
}

const FAN = 16

export function flatten(kinds: readonly CodedRanges[]): Segments {
  const lists = [...kinds].sort((a, b) => b.code - a.code).map((kind) => ({ ...kind, at: 0 }))
  const capacity = 2 * lists.reduce((sum, { starts }) => sum + starts.length, 0) + 2
  const starts = new Float64Array(capacity)
  const codes = new Uint8Array(capacity)
  let count = 1
  let position = lists.reduce((least, { starts: own }) => Math.min(least, own[0] ?? Infinity), Infinity)
  while (position !== Infinity) {
    let code = 0
    let next = Infinity
    for (const list of lists) {
      // Ranges of one kind that touch or overlap are one: its end is the furthest of all that begin before it.
      while (list.at < list.starts.length && (list.ends[list.at] ?? 0) <= position) list.at++
      const start = list.starts[list.at] ?? Infinity
      if (start > position) {
        next = Math.min(next, start)
        continue
      }
      if (code === 0) code = list.code
      next = Math.min(next, list.ends[list.at] ?? Infinity)
    }
    if (codes[count - 1] !== code) {
      starts[count] = position
      codes[count++] = code
    }
    position = next
  }
  const kept = codes.slice(0, count)
  const pyramid = pyramidOf(kept)
  return { starts: starts.slice(0, count), codes: kept, pyramid, most: Math.max(...(pyramid.at(-1) ?? kept)) }
}

function pyramidOf(codes: Uint8Array): Uint8Array[] {
  const levels: Uint8Array[] = []
  let below = codes
  while (below.length > FAN) {
    const level = new Uint8Array(Math.ceil(below.length / FAN))
    below.forEach((code, index) => {
      const place = Math.floor(index / FAN)
      if (code > (level[place] ?? 0)) level[place] = code
    })
    levels.push(level)
    below = level
  }
  return levels
}

/** The highest code among segments `first` to `last`, both included. */
export function worst({ codes, pyramid, most }: Segments, first: number, last: number): number {
  let low = first
  let high = last
  let level = codes
  let highest = 0
  for (let depth = 0; ; depth++) {
    const above = pyramid[depth]
    while (low <= high && highest < most && (low % FAN !== 0 || above === undefined))
      highest = Math.max(highest, level[low++] ?? 0)
    while (low <= high && highest < most && (high % FAN !== FAN - 1 || above === undefined))
      highest = Math.max(highest, level[high--] ?? 0)
    if (low > high || highest === most || above === undefined) return highest
    low /= FAN
    high = (high + 1) / FAN - 1
    level = above
  }
}

/** The worst code of each of `out.length` columns, each `perColumn` bytes of address space wide, from `from` on. */
export function sample(segments: Segments, from: number, perColumn: number, out: Uint8Array): void {
  const { starts, codes } = segments
  let index = Math.max(0, lastAtOrBefore(starts, from, 0))
  for (let column = 0; column < out.length; column++) {
    const left = from + column * perColumn
    const right = left + perColumn
    while (index + 1 < starts.length && (starts[index + 1] ?? 0) <= left) {
      // Columns that hold thousands of segments jump; those that hold one or two step.
      index = index + 2 < starts.length && (starts[index + 2] ?? 0) <= left ? lastAtOrBefore(starts, left, index) : index + 1
    }
    const next = starts[index + 1] ?? Infinity
    if (next >= right) out[column] = codes[index] ?? 0
    else {
      const last = lastBefore(starts, right, index)
      out[column] = worst(segments, index, last)
    }
  }
}

function lastAtOrBefore(values: Float64Array, wanted: number, from: number): number {
  let low = from
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) <= wanted) low = middle + 1
    else high = middle
  }
  return low - 1
}

function lastBefore(values: Float64Array, wanted: number, from: number): number {
  let low = from
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low - 1
}
