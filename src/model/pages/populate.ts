import { freeOne, LARGEST_BLOCK, markUsed, removeFree } from './buddy.ts'
import {
  alignmentOf,
  framesOf,
  MAX_ORDER_FRAMES,
  MAX_PAGE_ORDER,
  PAGEBLOCK_FRAMES,
  PAGEBLOCK_ORDER,
  pageblockOf,
} from './frame-bits.ts'
import { forFreeBlocks } from './allocate.ts'
import { MIGRATE_PCPTYPES } from './migratetype.ts'
import { NONE, typeOf, USE, ZONE, ZONES_PER_NODE, zoneOf, type Pages } from './pages.ts'

/** Frames [start, end). */
export interface FrameRange {
  readonly start: number
  readonly end: number
}

/** Says which zone and migratetype a range gets, before any of it is freed. Whole max-order blocks only. */
export function placeRange(pages: Pages, { start, end }: FrameRange, zone: number, type: number): void {
  if (start % MAX_ORDER_FRAMES !== 0 || end % MAX_ORDER_FRAMES !== 0)
    throw new RangeError(`zone range ${start}-${end} is not made of max-order blocks`)
  pages.zoneOfBlock.fill(zone, pageblockOf(start), pageblockOf(end))
  pages.blockType.fill(type, pageblockOf(start), pageblockOf(end))
  pages.managed[zone] = (pages.managed[zone] ?? 0) + end - start
}

/** Hands frames that nobody has to the allocator, to the tails of its lists (__free_pages_core, mm/page_alloc.c, 7.3). */
export function freeRange(pages: Pages, { start, end }: FrameRange): void {
  for (let frame = start; frame < end;) {
    const largest = chunkOrder(frame, end, MAX_PAGE_ORDER)
    // What is of one type need not be split to merge at once.
    const whole = largest <= PAGEBLOCK_ORDER || typeOf(pages, frame) === typeOf(pages, frame + PAGEBLOCK_FRAMES)
    const order = whole ? largest : PAGEBLOCK_ORDER
    freeOne(pages, frame, order, typeOf(pages, frame), true)
    frame += framesOf(order)
  }
}

/** Marks frames that nobody has as allocated for good: what memblock reserved, or what another kernel handed over. */
export function reserveRange(pages: Pages, { start, end }: FrameRange): void {
  for (let frame = start; frame < end;) {
    const order = chunkOrder(frame, end, LARGEST_BLOCK)
    markUsed(pages, frame, order, USE.reserved, NONE)
    frame += framesOf(order)
  }
}

export function chunkOrder(frame: number, end: number, limit: number): number {
  let order = alignmentOf(frame, limit)
  while (framesOf(order) > end - frame) order--
  return order
}

/**
 * min_wmark_pages of __setup_per_zone_wmarks, and on top of it what setup_per_zone_lowmem_reserve keeps from those who could have
 * taken a higher zone (mm/page_alloc.c, 7.3).
 */
export function setWatermarks(pages: Pages): void {
  const isMovable = (zone: number): boolean => zone % ZONES_PER_NODE === ZONE.movable
  const low = pages.managed.reduce((sum, frames, zone) => sum + (isMovable(zone) ? 0 : frames), 0)
  const zones = pages.managed.filter((frames, zone) => frames > 0 && !isMovable(zone)).length
  const least = leastFree(low, zones)
  pages.managed.forEach((frames, zone) => {
    const reserve = lowmemReserve(pages, zone)
    const min = isMovable(zone)
      ? Math.min(128, Math.max(32, Math.floor(frames / 1024)))
      : Math.floor((least * frames) / Math.max(1, low))
    pages.watermark[zone] = min + reserve.normal
    pages.movableWatermark[zone] = min + reserve.movable
  })
}

/** min_free_kbytes in frames: calculate_min_free_kbytes (mm/page_alloc.c, 7.3), raised for huge pages by set_recommended_min_free_kbytes (mm/khugepaged.c, 7.3). */
function leastFree(lowFrames: number, zones: number): number {
  const usual = Math.min(262144, Math.max(128, Math.floor(Math.sqrt(lowFrames * 4 * 16)))) / 4
  const blocksPerZone = 2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES
  return Math.max(usual, Math.min(PAGEBLOCK_FRAMES * zones * blocksPerZone, Math.floor(lowFrames / 20)))
}

/** sysctl_lowmem_reserve_ratio (mm/page_alloc.c, 7.3). */
const DMA32_RATIO = 256
const NORMAL_RATIO = 32

/** Frames of a zone that are not for requests whose highest zone is Normal, or ZONE_MOVABLE. A boot region is part of Normal. */
function lowmemReserve({ managed }: Pages, zone: number): { readonly normal: number; readonly movable: number } {
  const first = zone - (zone % ZONES_PER_NODE)
  const normal = (managed[first + ZONE.normal] ?? 0) + (managed[first + ZONE.region] ?? 0)
  const movable = managed[first + ZONE.movable] ?? 0
  switch (zone - first) {
    case ZONE.dma32:
      return { normal: Math.floor(normal / DMA32_RATIO), movable: Math.floor((normal + movable) / DMA32_RATIO) }
    case ZONE.normal:
      return { normal: 0, movable: Math.floor(movable / NORMAL_RATIO) }
    default:
      return { normal: 0, movable: 0 }
  }
}

/**
 * Moves whole max-order blocks to another zone of the machine, the free ones onto its lists, as taking memory offline in one
 * zone and online in another would, but without emptying it. Allocated blocks stay what they are.
 */
export function rezone(pages: Pages, range: FrameRange, zone: number, type: number): void {
  if (range.start % MAX_ORDER_FRAMES !== 0 || range.end % MAX_ORDER_FRAMES !== 0)
    throw new RangeError(`zone range ${range.start}-${range.end} is not made of max-order blocks`)
  for (let start = range.start; start < range.end; start += MAX_ORDER_FRAMES) {
    const from = zoneOf(pages, start)
    const free: [number, number][] = []
    // Otherwise a larger allocated block covers it all.
    if (pages.state[start] !== 0) {
      forFreeBlocks(pages, start, start + MAX_ORDER_FRAMES, (frame, order) => {
        free.push([frame, order])
        removeFree(pages, from, frame, order, typeOf(pages, frame))
      })
    }
    pages.managed[from] = (pages.managed[from] ?? 0) - MAX_ORDER_FRAMES
    placeRange(pages, { start, end: start + MAX_ORDER_FRAMES }, zone, type)
    for (const [frame, order] of free) freeOne(pages, frame, order, type, true)
  }
}

/** A zone list as build_zonelists makes it (mm/page_alloc.c, 7.3): the kinds of zone in the order given, then those of the other nodes. */
export function zonelist(pages: Pages, node: number, kinds: readonly number[]): readonly number[] {
  const zones: number[] = []
  for (let step = 0; step < pages.nodes; step++) {
    for (const kind of kinds) {
      const zone = ((node + step) % pages.nodes) * ZONES_PER_NODE + kind
      if ((pages.managed[zone] ?? 0) > 0) zones.push(zone)
    }
  }
  return zones
}
