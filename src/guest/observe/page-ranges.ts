import type { Range } from '../../shared/documents/index.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'

/** Pages, or pieces of `size` bytes, as ranges, in the order given: one that follows its neighbour lengthens its range. */
export function pageRanges(starts: readonly number[], size: number = PAGE_SIZE): Range[] {
  const ranges: { start: number; end: number }[] = []
  for (const start of starts) {
    const last = ranges.at(-1)
    if (last?.end === start) last.end += size
    else ranges.push({ start, end: start + size })
  }
  return ranges.map(({ start, end }) => ({ start: hex(start), end: hex(end) }))
}
