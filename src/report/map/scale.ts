import { PAGE_SIZE } from '../../shared/units.ts'
import type { Mark } from './lanes.ts'

/** One stretch between two boundaries, and where it lies on the drawing. */
export interface Stretch {
  readonly start: number
  readonly end: number
  readonly x: number
  readonly width: number
}

export interface Scale {
  readonly stretches: readonly Stretch[]
  /** Drawing coordinate of an address; between boundaries linear. */
  x(address: number): number
}

/** More boundaries than this cannot be labelled: neighbouring preserved records are then drawn as one. */
const MAX_BOUNDARIES = 72

/**
 * Guest RAM is drawn not to scale: a 4 KiB page beside 2 GiB would be invisible. Each stretch between two boundaries gets
 * a width that grows with the logarithm of its size, so that all of them can be seen and their order and edges are true.
 */
export function schematicScale(boundaries: readonly number[], width: number): Scale {
  const sorted = [...new Set(boundaries)].sort((a, b) => a - b)
  const weights = sorted.slice(1).map((end, index) => weight(end - (sorted[index] ?? 0)))
  const total = weights.reduce((sum, each) => sum + each, 0) || 1
  const stretches: Stretch[] = []
  let x = 0
  weights.forEach((each, index) => {
    const part = (each / total) * width
    stretches.push({ start: sorted[index] ?? 0, end: sorted[index + 1] ?? 0, x, width: part })
    x += part
  })
  return { stretches, x: (address) => position(stretches, address, width) }
}

const weight = (size: number): number => 3 + Math.log2(1 + size / PAGE_SIZE)

function position(stretches: readonly Stretch[], address: number, width: number): number {
  for (const stretch of stretches) {
    if (address < stretch.start) return stretch.x
    if (address <= stretch.end) return stretch.x + ((address - stretch.start) / (stretch.end - stretch.start)) * stretch.width
  }
  return stretches.length === 0 ? 0 : width
}

/** All edges of all marks; close preserved records count once when there are too many. */
export function boundariesOf(marks: readonly Mark[]): number[] {
  const fixed = marks.filter((mark) => mark.kind !== 'preserved')
  const edges = (some: readonly { start: number; end: number }[]): number[] => some.flatMap((mark) => [mark.start, mark.end])
  const room = MAX_BOUNDARIES - new Set(edges(fixed)).size
  const preserved = marks.filter((mark) => mark.kind === 'preserved').sort((a, b) => a.start - b.start)
  return [0, ...edges(fixed), ...edges(clustered(preserved, Math.max(4, Math.floor(room / 2))))]
}

/** Joins the ranges with the smallest gaps until at most `limit` are left. */
export function clustered(sorted: readonly { start: number; end: number }[], limit: number): { start: number; end: number }[] {
  if (sorted.length <= limit) return sorted.map(({ start, end }) => ({ start, end }))
  const gaps = sorted.slice(1).map((mark, index) => mark.start - (sorted[index]?.end ?? 0))
  const threshold = [...gaps].sort((a, b) => b - a)[limit - 2] ?? 0
  const groups: { start: number; end: number }[] = []
  sorted.forEach(({ start, end }, index) => {
    const last = groups.at(-1)
    const gap = gaps[index - 1]
    const apart = gap === undefined || (gap >= threshold && groups.length < limit)
    if (last === undefined || apart) groups.push({ start, end })
    else last.end = Math.max(last.end, end)
  })
  return groups
}
