/** Half-open range of physical addresses, in bytes. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The same set of addresses as sorted spans that neither touch nor overlap; empty spans vanish. */
export function union(spans: readonly Span[]): Span[] {
  const sorted = spans.filter((span) => span.end > span.start).sort((a, b) => a.start - b.start)
  const merged: { start: number; end: number }[] = []
  for (const span of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end)
    else merged.push({ start: span.start, end: span.end })
  }
  return merged
}

/** Addresses in `from` and not in `without`. */
export function subtract(from: readonly Span[], without: readonly Span[]): Span[] {
  const holes = union(without)
  return union(from).flatMap((span) => {
    const left: Span[] = []
    let start = span.start
    for (const hole of holes) {
      if (hole.end <= start || hole.start >= span.end) continue
      if (hole.start > start) left.push({ start, end: hole.start })
      start = Math.max(start, hole.end)
    }
    if (start < span.end) left.push({ start, end: span.end })
    return left
  })
}
