import { err, ok, type Result } from '../../shared/result.ts'
import { blockOrder, freeOne, markUsed } from './buddy.ts'
import { framesOf, MAX_ORDER_FRAMES, MAX_PAGE_ORDER, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER, pageblockOf } from './frame-bits.ts'
import { MIGRATE, MIGRATE_PCPTYPES, MIGRATE_TYPES } from './migratetype.ts'
import { NONE, ORDERS, typeOf, USE, USED, type Pages, type Use } from './pages.ts'
import { placeRange, setWatermarks, type FrameRange } from './populate.ts'

/** What a real kernel's /proc says of one zone. */
export interface ObservedZone {
  /** Index of the model's zone. */
  readonly zone: number
  /** Whole max-order blocks. */
  readonly range: FrameRange
  /** Frames of the range that the buddy allocator does not manage: holes, and what memblock kept. */
  readonly unmanaged: number
  /** Pageblocks by migratetype (MIGRATE.*). */
  readonly blocks: readonly number[]
  /** Free blocks by migratetype and order. */
  readonly free: readonly (readonly number[])[]
}

/** What is known to lie at one place. */
export interface ObservedPlaces {
  readonly cma: readonly FrameRange[]
  /** Folios that are in use, ascending; orders up to MAX_PAGE_ORDER. */
  readonly folios: readonly { readonly frame: number; readonly order: number }[]
}

/** What memory in use is taken for, as only its pageblock's type is known. */
const USE_OF_TYPE: readonly Use[] = [USE.unmovable, USE.movable, USE.reclaimable, USE.unmovable, USE.movable, USE.unmovable]
const LARGEST_FIRST = Array.from({ length: ORDERS }, (_unused, index) => MAX_PAGE_ORDER - index)

/**
 * Gives memory that belongs to nobody the state that a real kernel showed: pageblocks of each type and free blocks of each type
 * and order, in the same numbers. CMA and the given folios lie where they lie; of the rest /proc does not say where, so here each
 * type begins where the one before it ends, and every free block has a neighbour that is in use. The folios are left to the
 * caller to mark. Fails where the numbers cannot be laid out so.
 */
export function layOut(pages: Pages, zones: readonly ObservedZone[], places: ObservedPlaces): Result<undefined> {
  for (const { zone, range } of zones) placeRange(pages, range, zone, MIGRATE.movable)
  for (const { range, blocks } of zones) typeBlocks(pages, range, blocks, places.cma)
  for (const zone of zones) {
    const failure = fill(pages, zone, places)
    if (failure !== undefined) return err(failure)
  }
  setWatermarks(pages)
  return ok(undefined)
}

/** Even numbers of pageblocks first, so that few max-order blocks are of two types. */
function typeBlocks({ blockType }: Pages, range: FrameRange, blocks: readonly number[], cma: readonly FrameRange[]): void {
  const [first, last] = [pageblockOf(range.start), pageblockOf(range.end)]
  for (const { start, end } of cma) {
    const [from, to] = [Math.max(first, pageblockOf(start)), Math.min(last, pageblockOf(end))]
    if (from < to) blockType.fill(MIGRATE.cma, from, to)
  }
  const others = [...blocks.keys()].filter((type) => type !== MIGRATE.movable && type !== MIGRATE.cma)
  let at = first
  for (const odd of [0, 1]) {
    for (const type of others) {
      const count = blocks[type] ?? 0
      if (count % 2 !== odd) continue
      for (let left = count; left > 0 && at < last; at++) {
        if (blockType[at] === MIGRATE.cma) continue
        blockType[at] = type
        left--
      }
    }
  }
}

/** Regions by type and order. `open` may become one free block; `used` holds something in use and may only be cut. */
interface Regions {
  readonly open: readonly number[][]
  readonly used: readonly number[][]
}

const noRegions = (): Regions => ({
  open: Array.from({ length: ORDERS }, () => []),
  used: Array.from({ length: ORDERS }, () => []),
})

function fill(pages: Pages, { zone, range, unmanaged, free }: ObservedZone, places: ObservedPlaces): string | undefined {
  const regions = Array.from({ length: MIGRATE_TYPES }, noRegions)
  for (let start = range.end - MAX_ORDER_FRAMES; start >= range.start; start -= MAX_ORDER_FRAMES)
    addRegion(pages, regions, start, MAX_PAGE_ORDER, true, foliosIn(places, start, start + MAX_ORDER_FRAMES))
  for (const order of LARGEST_FIRST) {
    for (const [type, counts] of free.entries()) {
      for (let made = 0; made < (counts[order] ?? 0); made++) {
        const frame = cut(regions[type] ?? noRegions(), order)
        if (frame === NONE)
          return `zone ${zone}: ${counts[order] ?? 0} free blocks of order ${order} and type ${type} have no place`
        freeOne(pages, frame, order, type, true)
      }
    }
  }
  return occupy(pages, zone, regions, unmanaged)
}

const foliosIn = ({ folios }: ObservedPlaces, start: number, end: number): ObservedPlaces['folios'] =>
  folios.filter(({ frame }) => frame >= start && frame < end)

/** Cuts a region until it is of one type and has either nothing or one of the folios in it, which it then is. */
function addRegion(
  pages: Pages,
  regions: readonly Regions[],
  frame: number,
  order: number,
  open: boolean,
  folios: ObservedPlaces['folios'],
): void {
  const type = typeOf(pages, frame)
  const mixed = order > PAGEBLOCK_ORDER && typeOf(pages, frame + PAGEBLOCK_FRAMES) !== type
  if (!mixed && folios.length === 0) {
    regions[type]?.[open ? 'open' : 'used'][order]?.push(frame)
    return
  }
  if (folios[0]?.frame === frame && folios[0].order === order) return
  const middle = frame + framesOf(order - 1)
  const halves = [folios.filter((folio) => folio.frame < middle), folios.filter((folio) => folio.frame >= middle)] as const
  // Two halves that could be free would merge, unless their types keep them apart or the other one holds a folio.
  const apart = mixed && (type >= MIGRATE_PCPTYPES || typeOf(pages, middle) >= MIGRATE_PCPTYPES)
  addRegion(pages, regions, frame, order - 1, apart || halves[1].length > 0, halves[0])
  addRegion(pages, regions, middle, order - 1, apart || halves[0].length > 0, halves[1])
}

/** Takes a block out of a region of its size, or of the smallest larger one; what is left of that stays in use. */
function cut({ open, used }: Regions, order: number): number {
  const whole = open[order]?.pop()
  if (whole !== undefined) return whole
  for (let from = order + 1; from <= MAX_PAGE_ORDER; from++) {
    const frame = used[from]?.pop() ?? open[from]?.pop()
    if (frame === undefined) continue
    for (let half = from - 1; half >= order; half--) used[half]?.push(frame + framesOf(half))
    return frame
  }
  return NONE
}

/** Fills what is left: the largest pieces are what the allocator does not manage, the rest single pages in use. */
function occupy(pages: Pages, zone: number, regions: readonly Regions[], unmanaged: number): string | undefined {
  let missing = unmanaged
  for (const order of LARGEST_FIRST) {
    for (const [type, { open, used }] of regions.entries()) {
      for (const frame of [...(open[order] ?? []), ...(used[order] ?? [])]) {
        const reserved = Math.min(missing, framesOf(order))
        missing -= reserved
        for (let at = frame; at < frame + framesOf(order); at++)
          markUsed(pages, at, 0, at - frame < reserved ? USE.reserved : (USE_OF_TYPE[type] ?? USE.unmovable), NONE)
      }
    }
  }
  pages.managed[zone] = (pages.managed[zone] ?? 0) - unmanaged
  return missing > 0 ? `zone ${zone}: ${missing} frames that are not managed have no place` : undefined
}

/** The same counts of a zone of the model: free blocks by migratetype and order. */
export function freeByType(pages: Pages, zone: number): readonly (readonly number[])[] {
  const counts = Array.from({ length: MIGRATE_TYPES }, () => new Array<number>(ORDERS).fill(0))
  for (let at = 0; at < pages.frames;) {
    const order = blockOrder(pages, at)
    const ofType = counts[typeOf(pages, at)]
    const isFree = (pages.state[at] ?? 0) < USED
    if (isFree && ofType !== undefined && pages.zoneOfBlock[pageblockOf(at)] === zone) ofType[order] = (ofType[order] ?? 0) + 1
    at += framesOf(order)
  }
  return counts
}

/** And its pageblocks by migratetype. */
export function blocksByType(pages: Pages, zone: number): readonly number[] {
  const counts = new Array<number>(MIGRATE_TYPES).fill(0)
  for (const [block, of] of pages.zoneOfBlock.entries()) {
    if (of !== zone) continue
    const type = typeOf(pages, block * PAGEBLOCK_FRAMES)
    counts[type] = (counts[type] ?? 0) + 1
  }
  return counts
}
