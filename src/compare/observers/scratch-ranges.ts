import type { Range, ScratchRegion } from '../../shared/documents/index.ts'
import { fromHex, hex } from '../../shared/units.ts'

interface NodeRange extends Range {
  readonly node: number
}

/**
 * Which ranges of `Early memory node ranges` are scratch. memblock joins neighbours of one node unless their flags differ
 * (memblock_merge_regions(), mm/memblock.c, 7.3), and here only KHO_SCRATCH can: so of ranges that touch every other one is scratch, and
 * one that holds a scratch region is. Ranges of which that tells nothing are taken as `predicted`. Ranges that touch are joined.
 */
export function scratchRanges(
  ranges: readonly NodeRange[],
  regions: readonly ScratchRegion[],
  predicted: readonly Range[],
): readonly Range[] {
  const told: (boolean | undefined)[] = ranges.map((range) => (regions.some((region) => holds(range, region)) ? true : undefined))
  const touches = (index: number): boolean => {
    const [before, after] = [ranges[index - 1], ranges[index]]
    return before !== undefined && before.node === after?.node && before.end === after.start
  }
  const tell = (index: number, neighbour: boolean | undefined): void => {
    if (told[index] === undefined && neighbour !== undefined) told[index] = !neighbour
  }
  for (let index = 1; index < ranges.length; index++) if (touches(index)) tell(index, told[index - 1])
  for (let index = ranges.length - 1; index > 0; index--) if (touches(index)) tell(index - 1, told[index])
  return joined(
    ranges.flatMap((range, index) => {
      if (told[index] === undefined) return common(range, predicted)
      return told[index] ? [{ start: fromHex(range.start), end: fromHex(range.end) }] : []
    }),
  )
}

function holds(range: Range, region: ScratchRegion): boolean {
  const [start, size] = [fromHex(region.start), fromHex(region.size)]
  return size > 0 && start >= fromHex(range.start) && start + size <= fromHex(range.end)
}

interface Span {
  readonly start: number
  readonly end: number
}

const common = (range: Range, others: readonly Range[]): readonly Span[] =>
  others.flatMap((other) => {
    const start = Math.max(fromHex(range.start), fromHex(other.start))
    const end = Math.min(fromHex(range.end), fromHex(other.end))
    return start < end ? [{ start, end }] : []
  })

function joined(spans: readonly Span[]): readonly Range[] {
  const list: { start: number; end: number }[] = []
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = list.at(-1)
    if (last?.end === start) last.end = end
    else list.push({ start, end })
  }
  return list.map(({ start, end }) => ({ start: hex(start), end: hex(end) }))
}
