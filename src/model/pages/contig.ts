import type { Zonelist } from './allocate.ts'
import { addFree, blockOrder, freeOne, headOf, LARGEST_BLOCK, markUsed, removeFree } from './buddy.ts'
import { alignDown, framesOf, MAX_PAGE_ORDER, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER, pageblockOf } from './frame-bits.ts'
import { forFreeBlocks } from './allocate.ts'
import { MIGRATE } from './migratetype.ts'
import { migrate, type MigrateFailure } from './migrate.ts'
import { FREE, isPinned, NONE, typeOf, USE, USED, useOf, ZONE, ZONES_PER_NODE, zoneOf, type Pages, type Use } from './pages.ts'
import { chunkOrder, type FrameRange } from './populate.ts'

/** Why a range could not be had, and the first block that stood in the way. */
export interface ContigFailure {
  readonly reason: MigrateFailure | 'isolated'
  readonly frame: number
}

/**
 * alloc_contig_range (mm/page_alloc.c, 7.3) for whole pageblocks: isolate, migrate what is inside, take the rest off the
 * lists. On success the range is one allocated block per naturally aligned piece, the first with `folio`; on failure every
 * pageblock is as it was, though what has moved has moved.
 */
export function allocContigRange(
  pages: Pages,
  range: FrameRange,
  zones: Zonelist,
  use: Use,
  folio = NONE,
): ContigFailure | undefined {
  const refused = isolateRange(pages, range)
  if (refused !== undefined) return refused
  const failure = evacuate(pages, range, zones)
  if (failure === undefined) takeIsolated(pages, range, use, folio)
  undoIsolation(pages, range, range.end)
  return failure
}

/** start_isolate_page_range (mm/page_isolation.c, 7.3): all pageblocks or none. */
function isolateRange(pages: Pages, { start, end }: FrameRange): ContigFailure | undefined {
  if (start % PAGEBLOCK_FRAMES !== 0 || end % PAGEBLOCK_FRAMES !== 0)
    throw new RangeError(`range ${start}-${end} is not made of pageblocks`)
  for (let block = start; block < end; block += PAGEBLOCK_FRAMES) {
    const obstacle = pages.isolated[pageblockOf(block)] === 1 ? block : unmovableIn(pages, block, block + PAGEBLOCK_FRAMES)
    if (obstacle !== undefined) {
      undoIsolation(pages, { start, end }, block)
      return { reason: pages.isolated[pageblockOf(obstacle)] === 1 ? 'isolated' : 'unmovable', frame: obstacle }
    }
    setIsolated(pages, block)
  }
  return undefined
}

/** has_unmovable_pages (mm/page_isolation.c, 7.3): the first block with a frame in [start, end) that cannot be moved. */
export function unmovableIn(pages: Pages, start: number, end: number): number | undefined {
  for (let at = headOf(pages, start); at < end; at += framesOf(blockOrder(pages, at))) {
    pages.work.scanned++
    if ((pages.state[at] ?? 0) >= USED && cannotMove(pages, at)) return at
  }
  return undefined
}

/** page_is_unmovable: in ZONE_MOVABLE everything that is not reserved is taken to be movable. */
function cannotMove(pages: Pages, head: number): boolean {
  if (useOf(pages, head) === USE.movable) return false
  return useOf(pages, head) === USE.reserved || zoneOf(pages, head) % ZONES_PER_NODE !== ZONE.movable
}

/** pageblock_isolate_and_move_free_pages (mm/page_alloc.c, 7.3): a larger free block is split at the pageblock first. */
function setIsolated(pages: Pages, block: number): void {
  const zone = zoneOf(pages, block)
  const large = alignDown(block, MAX_PAGE_ORDER)
  if (pages.state[large] === FREE + MAX_PAGE_ORDER) {
    removeFree(pages, zone, large, MAX_PAGE_ORDER, typeOf(pages, large))
    pages.isolated[pageblockOf(block)] = 1
    for (const half of [large, large + PAGEBLOCK_FRAMES]) freeOne(pages, half, PAGEBLOCK_ORDER, typeOf(pages, half), false)
    return
  }
  const type = typeOf(pages, block)
  if (!beginsInside(pages, block)) {
    forFreeBlocks(pages, block, block + PAGEBLOCK_FRAMES, (frame, order) => {
      removeFree(pages, zone, frame, order, type)
      addFree(pages, zone, frame, order, MIGRATE.isolate, true)
    })
  }
  pages.isolated[pageblockOf(block)] = 1
}

function afterBlock(pages: Pages, frame: number): number {
  const head = headOf(pages, frame)
  return head + framesOf(blockOrder(pages, head))
}

const beginsInside = (pages: Pages, block: number): boolean => pages.state[block] === 0

/** __alloc_contig_migrate_range (mm/page_alloc.c, 7.3). */
function evacuate(pages: Pages, { start, end }: FrameRange, zones: Zonelist): ContigFailure | undefined {
  for (let at = headOf(pages, start); at < end;) {
    pages.work.scanned++
    const next = at + framesOf(blockOrder(pages, at))
    if ((pages.state[at] ?? 0) >= USED) {
      const failure = migrate(pages, at, zones)
      if (failure !== undefined) return { reason: failure, frame: at }
    }
    // What was just freed may have merged with what lies behind it.
    at = next >= end || pages.state[next] !== 0 ? next : afterBlock(pages, next)
  }
  return undefined
}

/** isolate_freepages_range (mm/compaction.c, 7.3), and what post_alloc_hook does to the pages. */
function takeIsolated(pages: Pages, { start, end }: FrameRange, use: Use, folio: number): void {
  forFreeBlocks(pages, start, end, (frame, order) => removeFree(pages, zoneOf(pages, frame), frame, order, typeOf(pages, frame)))
  for (let frame = start; frame < end;) {
    const order = chunkOrder(frame, end, LARGEST_BLOCK)
    markUsed(pages, frame, order, use, frame === start ? folio : NONE)
    frame += framesOf(order)
  }
  pages.work.allocated++
}

/** undo_isolate_page_range (mm/page_isolation.c, 7.3) for the pageblocks before `upTo`; free blocks merge again. */
function undoIsolation(pages: Pages, { start }: FrameRange, upTo: number): void {
  for (let block = start; block < upTo; block += PAGEBLOCK_FRAMES) {
    const zone = zoneOf(pages, block)
    const free: [number, number][] = []
    if (pages.state[alignDown(block, MAX_PAGE_ORDER)] === FREE + MAX_PAGE_ORDER) {
      const large = alignDown(block, MAX_PAGE_ORDER)
      removeFree(pages, zone, large, MAX_PAGE_ORDER, MIGRATE.isolate)
      const other = block === large ? large + PAGEBLOCK_FRAMES : large
      addFree(pages, zone, other, PAGEBLOCK_ORDER, typeOf(pages, other), true)
      free.push([block, PAGEBLOCK_ORDER])
    } else if (!beginsInside(pages, block)) {
      forFreeBlocks(pages, block, block + PAGEBLOCK_FRAMES, (frame, order) => {
        removeFree(pages, zone, frame, order, MIGRATE.isolate)
        free.push([frame, order])
      })
    }
    pages.isolated[pageblockOf(block)] = 0
    for (const [frame, order] of free) freeOne(pages, frame, order, typeOf(pages, frame), true)
  }
}

/**
 * A naturally aligned block of an order above MAX_PAGE_ORDER (alloc_contig_pages, mm/page_alloc.c, 7.3), from the first place
 * in the zones, bottom up, that has nothing unmovable or gigantic in it. Answers the first frame or NONE.
 */
export function allocGigantic(
  pages: Pages,
  order: number,
  use: Use,
  zones: Zonelist,
  migrationZones: Zonelist,
  folio = NONE,
): number {
  const size = framesOf(order)
  for (const zone of zones) {
    for (let start = 0; start + size <= pages.frames; start += size) {
      if (!wholeInZone(pages, start, start + size, zone) || !worthTrying(pages, start, start + size)) continue
      if (allocContigRange(pages, { start, end: start + size }, migrationZones, use, folio) === undefined) return start
    }
  }
  pages.work.failed++
  return NONE
}

function wholeInZone(pages: Pages, start: number, end: number, zone: number): boolean {
  for (let block = pageblockOf(start); block < pageblockOf(end); block++) {
    if (pages.zoneOfBlock[block] !== zone || pages.isolated[block] === 1) return false
  }
  return true
}

/** pfn_range_valid_contig (mm/page_alloc.c, 7.3), and what is pinned or too large to find another place. */
function worthTrying(pages: Pages, start: number, end: number): boolean {
  for (let at = headOf(pages, start); at < end;) {
    const order = blockOrder(pages, at)
    pages.work.scanned++
    if ((pages.state[at] ?? 0) >= USED && (order > MAX_PAGE_ORDER || isPinned(pages, at) || cannotMove(pages, at))) return false
    at += framesOf(order)
  }
  return true
}
