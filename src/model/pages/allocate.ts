import { addFree, firstFree, markUsed, removeFree, setBlockTypes, expand, takeAndExpand } from './buddy.ts'
import { alignDown, framesOf, MAX_PAGE_ORDER, nextOf, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER, pageblockOf } from './frame-bits.ts'
import { FALLBACKS, MIGRATE, MIGRATE_TYPES, type Mobility } from './migratetype.ts'
import { FREE, listOf, NONE, ORDERS, USE, USED, useOf, ZONE, ZONES_PER_NODE, type Pages, type Use } from './pages.ts'

/** Zone indexes in the order in which they are tried. */
export type Zonelist = readonly number[]

/** USE of a block by the mobility that was asked for. */
const USE_OF: Readonly<Record<Mobility, Use>> = {
  [MIGRATE.unmovable]: USE.unmovable,
  [MIGRATE.movable]: USE.movable,
  [MIGRATE.reclaimable]: USE.reclaimable,
}

/**
 * Allocates 2^order frames (0 to MAX_PAGE_ORDER) from the first zone of the list that can give them, and answers the first
 * frame or NONE. Like get_page_from_freelist (mm/page_alloc.c, 7.3) it first goes through the list without breaking into
 * pageblocks of other types where a lower zone could help instead. `folio` is the id to note at the head.
 */
export function allocate(pages: Pages, order: number, type: Mobility, zones: Zonelist, folio = NONE): number {
  const frame = search(pages, order, type, zones)
  if (frame === NONE) {
    pages.work.failed++
    return NONE
  }
  pages.work.allocated++
  markUsed(pages, frame, order, USE_OF[type], folio)
  return frame
}

function search(pages: Pages, order: number, type: Mobility, zones: Zonelist): number {
  const careful = zones.length > 1 && spreads(pages, zones[0] ?? 0)
  for (let pass = careful ? 0 : 1; pass < 2; pass++) {
    for (const zone of zones) {
      // Locality is more important than fragmentation.
      if (pass === 0 && !sameNode(zone, zones[0] ?? 0)) break
      if (!aboveWatermark(pages, zone, type)) continue
      const frame = removeQueue(pages, zone, order, type, pass === 0)
      if (frame !== NONE) return frame
    }
  }
  return NONE
}

const sameNode = (one: number, other: number): boolean => one - (one % ZONES_PER_NODE) === other - (other % ZONES_PER_NODE)

/** alloc_flags_nofragment (mm/page_alloc.c, 7.3): only between Normal and a DMA32 below it. */
const spreads = (pages: Pages, zone: number): boolean =>
  zone % ZONES_PER_NODE === ZONE.normal && (pages.managed[zone - 1] ?? 0) > 0

/**
 * __zone_watermark_ok (mm/page_alloc.c, 7.3) for order 0: what is free in CMA does not count for what may not go there, and what
 * could go to a higher zone leaves more of a lower one alone.
 */
function aboveWatermark(pages: Pages, zone: number, type: Mobility): boolean {
  const free = pages.zoneFree[zone] ?? 0
  if (type === MIGRATE.movable) return free > (pages.movableWatermark[zone] ?? 0)
  return free - (pages.framesFree[zone * MIGRATE_TYPES + MIGRATE.cma] ?? 0) > (pages.watermark[zone] ?? 0)
}

/** __rmqueue (mm/page_alloc.c, 7.3): balance with CMA, own lists, CMA, claim a pageblock, steal a block. */
function removeQueue(pages: Pages, zone: number, order: number, type: Mobility, noFragment: boolean): number {
  const mayUseCma = type === MIGRATE.movable
  const cmaFree = mayUseCma ? (pages.framesFree[zone * MIGRATE_TYPES + MIGRATE.cma] ?? 0) : 0
  if (cmaFree > 0 && cmaFree > (pages.zoneFree[zone] ?? 0) / 2) {
    const frame = smallest(pages, zone, order, MIGRATE.cma)
    if (frame !== NONE) return frame
  }
  let frame = smallest(pages, zone, order, type)
  if (frame === NONE && cmaFree > 0) frame = smallest(pages, zone, order, MIGRATE.cma)
  if (frame === NONE) frame = claim(pages, zone, order, type, noFragment)
  if (frame === NONE && !noFragment) frame = steal(pages, zone, order, type)
  return frame
}

/** __rmqueue_smallest (mm/page_alloc.c, 7.3). */
function smallest(pages: Pages, zone: number, order: number, type: number): number {
  const { links } = pages
  let sentinel = pages.frames + listOf(zone, order, type)
  for (let current = order; current <= MAX_PAGE_ORDER; current++, sentinel += MIGRATE_TYPES) {
    const frame = links[nextOf(sentinel)] ?? sentinel
    if (frame === sentinel) continue
    takeAndExpand(pages, zone, frame, order, current, type)
    return frame
  }
  return NONE
}

/** find_suitable_fallback (mm/page_alloc.c, 7.3): the type to take from at this order, NONE when there is nothing. */
function fallbackType(pages: Pages, zone: number, order: number, type: Mobility): number {
  if (pages.blocksFree[zone * ORDERS + order] === 0) return NONE
  for (let i = 0; i < 2; i++) {
    const fallback = FALLBACKS[type * 2 + i] ?? MIGRATE.unmovable
    if (firstFree(pages, zone, order, fallback) !== NONE) return fallback
  }
  return NONE
}

const HALF_PAGEBLOCK_ORDER = Math.floor(PAGEBLOCK_ORDER / 2)
/** should_try_claim_block (mm/page_alloc.c, 7.3). */
const mayClaim = (order: number, type: Mobility): boolean => order >= HALF_PAGEBLOCK_ORDER || type !== MIGRATE.movable

/** __rmqueue_claim (mm/page_alloc.c, 7.3): from the largest block down, so that whole pageblocks change their type. */
function claim(pages: Pages, zone: number, order: number, type: Mobility, noFragment: boolean): number {
  const least = order < PAGEBLOCK_ORDER && noFragment ? PAGEBLOCK_ORDER : order
  for (let current = MAX_PAGE_ORDER; current >= least; current--) {
    if (!mayClaim(current, type)) break
    const from = fallbackType(pages, zone, current, type)
    if (from === NONE) continue
    const frame = claimBlock(pages, zone, firstFree(pages, zone, current, from), current, order, type, from)
    if (frame === NONE) continue
    pages.work.claimed++
    return frame
  }
  return NONE
}

/** try_to_claim_block (mm/page_alloc.c, 7.3): all of it, or its pageblock when at least half of that is free or alike. */
function claimBlock(
  pages: Pages,
  zone: number,
  block: number,
  current: number,
  order: number,
  type: Mobility,
  from: number,
): number {
  if (current >= PAGEBLOCK_ORDER) {
    removeFree(pages, zone, block, current, from)
    setBlockTypes(pages, block, current, type)
    expand(pages, zone, block, order, current, type)
    return block
  }
  const start = alignDown(block, PAGEBLOCK_ORDER)
  const { free, movable } = censusOf(pages, start)
  const alike = type === MIGRATE.movable ? movable : from === MIGRATE.movable ? PAGEBLOCK_FRAMES - free - movable : 0
  if (free + alike < PAGEBLOCK_FRAMES / 2) return NONE
  moveFreeBlocks(pages, zone, start, from, type)
  pages.blockType[pageblockOf(start)] = type
  return smallest(pages, zone, order, type)
}

/** Frames of a pageblock that are free and that can be migrated (prep_move_freepages_block, mm/page_alloc.c, 7.3). */
export function censusOf(pages: Pages, start: number): { readonly free: number; readonly movable: number } {
  const { state } = pages
  let free = 0
  let movable = 0
  for (let at = start; at < start + PAGEBLOCK_FRAMES;) {
    const is = state[at] ?? 0
    if (is === 0) return { free, movable } // inside a larger allocated block, which is not counted as movable
    if (is < USED) {
      free += framesOf(is - FREE)
      at += framesOf(is - FREE)
    } else {
      const size = framesOf(is - USED)
      if (useOf(pages, at) === USE.movable) movable += size
      at += size
    }
  }
  return { free, movable }
}

/** __move_freepages_block (mm/page_alloc.c, 7.3): to the tail, so that they are not the next to be taken. */
function moveFreeBlocks(pages: Pages, zone: number, start: number, from: number, to: number): void {
  forFreeBlocks(pages, start, start + PAGEBLOCK_FRAMES, (frame, order) => {
    removeFree(pages, zone, frame, order, from)
    addFree(pages, zone, frame, order, to, true)
  })
}

/** __rmqueue_steal (mm/page_alloc.c, 7.3): the smallest that fits; the pageblock keeps its type and is mixed from now on. */
function steal(pages: Pages, zone: number, order: number, type: Mobility): number {
  for (let current = order; current <= MAX_PAGE_ORDER; current++) {
    const from = fallbackType(pages, zone, current, type)
    if (from === NONE) continue
    const frame = firstFree(pages, zone, current, from)
    takeAndExpand(pages, zone, frame, order, current, from)
    pages.work.stolen++
    return frame
  }
  return NONE
}

/** Visits every free block whose head lies in [start, end), which begins at a block's head. `visit` may relist the block. */
export function forFreeBlocks(pages: Pages, start: number, end: number, visit: (frame: number, order: number) => void): void {
  const { state } = pages
  for (let at = start; at < end;) {
    const is = state[at] ?? 0
    if (is === 0) {
      at++
      continue
    }
    const order = is < USED ? is - FREE : is - USED
    if (is < USED) visit(at, order)
    at += framesOf(order)
  }
}
