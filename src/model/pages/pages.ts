import { MAX_FRAMES, MAX_ORDER_FRAMES, MAX_PAGE_ORDER, nextOf, PAGEBLOCK_FRAMES, pageblockOf, prevOf } from './frame-bits.ts'
import { createFolios, type Folios } from './folios.ts'
import { MIGRATE, MIGRATE_TYPES } from './migratetype.ts'

export const ORDERS = MAX_PAGE_ORDER + 1

/** `state` of a frame: 0 inside a block, FREE + order at the head of a free block, USED + order at that of an allocated one. */
export const FREE = 1
export const USED = 32
/** No frame, no folio, no list. */
export const NONE = -1

/** What an allocated block is, as far as moving it goes. */
export const USE = { none: 0, unmovable: 1, movable: 2, reclaimable: 3, reserved: 4 } as const
export type Use = (typeof USE)[keyof typeof USE]

/**
 * Zones of one node in the order of their numbers; a node's zone z has index node * ZONES_PER_NODE + z. The kernel has no
 * `region`: it holds a boot region that a design must be able to tell from Normal, and a zone list names it or not.
 */
export const ZONE = { dma32: 0, normal: 1, movable: 2, region: 3 } as const
export const ZONES_PER_NODE = 4

/** What the allocator did, in numbers that cost something; only ever grows. */
export interface Work {
  allocated: number
  freed: number
  failed: number
  /** Pageblocks claimed for another migratetype, and blocks taken from one without claiming it. */
  claimed: number
  stolen: number
  migratedFolios: number
  migratedFrames: number
  migrationFailures: number
  /** Frames looked at by isolation and by compaction's scanners. */
  scanned: number
}

/**
 * Physical memory as zones of buddy blocks. Everything sized by the machine is a typed array, indexed by frame or by pageblock.
 * Zones are sets of whole max-order blocks, so two buddies never lie in different zones.
 */
export interface Pages {
  readonly frames: number
  readonly nodes: number
  readonly state: Uint8Array
  /**
   * Two numbers for each frame, side by side so that both are had with one access to memory (nextOf, prevOf). Free heads: neighbours
   * in their list, which closes over a sentinel at frames + list. Used heads: the folio's id or NONE, and what {@link useOf} and
   * {@link isPinned} read.
   */
  readonly links: Int32Array
  readonly blockType: Uint8Array
  readonly isolated: Uint8Array
  readonly zoneOfBlock: Uint8Array
  /** Free blocks per zone and order. */
  readonly blocksFree: Int32Array
  /** Free frames per zone and migratetype. */
  readonly framesFree: Int32Array
  /** Free frames per zone without those that are isolated. */
  readonly zoneFree: Int32Array
  /** Frames per zone, and the marks below which allocations leave it alone: what may go to Normal at most, and what may go to ZONE_MOVABLE. */
  readonly managed: Int32Array
  readonly watermark: Int32Array
  readonly movableWatermark: Int32Array
  readonly folios: Folios
  readonly work: Work
}

export const listOf = (zone: number, order: number, type: number): number => (zone * ORDERS + order) * MIGRATE_TYPES + type
/** A use and whether the block is pinned, in one number. */
const PINNED = 8

/** Of an allocated head: what it is, as far as moving it goes. */
export const useOf = (pages: Pages, head: number): Use => ((pages.links[prevOf(head)] ?? 0) % PINNED) as Use
/** Of an allocated head: whether a long-term pin holds it. */
export const isPinned = (pages: Pages, head: number): boolean => (pages.links[prevOf(head)] ?? 0) >= PINNED
export const setUse = (pages: Pages, head: number, use: Use, pinned = isPinned(pages, head)): void =>
  void (pages.links[prevOf(head)] = pinned ? use + PINNED : use)
export const setPinned = (pages: Pages, head: number, pinned: boolean): void => setUse(pages, head, useOf(pages, head), pinned)
/** Of an allocated head: its id, or NONE. */
export const folioOf = (pages: Pages, head: number): number => pages.links[nextOf(head)] ?? NONE

export const zoneOf = (pages: Pages, frame: number): number => pages.zoneOfBlock[pageblockOf(frame)] ?? 0

/** get_pageblock_migratetype (mm/page_alloc.c, 7.3): isolation hides the type underneath. */
export function typeOf(pages: Pages, frame: number): number {
  const block = pageblockOf(frame)
  return pages.isolated[block] === 1 ? MIGRATE.isolate : (pages.blockType[block] ?? 0)
}

/** Memory that belongs to nobody yet: {@link clearPages} and the functions of populate.ts give it away. Throws RangeError. */
export function createPages(frames: number, nodes: number): Pages {
  if (frames % MAX_ORDER_FRAMES !== 0 || frames <= 0 || frames > MAX_FRAMES)
    throw new RangeError(`${frames} frames: not a multiple of ${MAX_ORDER_FRAMES} up to ${MAX_FRAMES}`)
  const zones = nodes * ZONES_PER_NODE
  const lists = zones * ORDERS * MIGRATE_TYPES
  const pages: Pages = {
    frames,
    nodes,
    state: new Uint8Array(frames),
    links: new Int32Array(nextOf(frames + lists)),
    blockType: new Uint8Array(frames / PAGEBLOCK_FRAMES),
    isolated: new Uint8Array(frames / PAGEBLOCK_FRAMES),
    zoneOfBlock: new Uint8Array(frames / PAGEBLOCK_FRAMES),
    blocksFree: new Int32Array(zones * ORDERS),
    framesFree: new Int32Array(zones * MIGRATE_TYPES),
    zoneFree: new Int32Array(zones),
    managed: new Int32Array(zones),
    watermark: new Int32Array(zones),
    movableWatermark: new Int32Array(zones),
    folios: createFolios(),
    work: {
      allocated: 0,
      freed: 0,
      failed: 0,
      claimed: 0,
      stolen: 0,
      migratedFolios: 0,
      migratedFrames: 0,
      migrationFailures: 0,
      scanned: 0,
    },
  }
  clearPages(pages)
  return pages
}

/** Forgets every block, as a kernel that has just started knows none. The work done so far stays counted. */
export function clearPages(pages: Pages): void {
  for (const array of [
    pages.state,
    pages.isolated,
    pages.zoneOfBlock,
    pages.blocksFree,
    pages.framesFree,
    pages.zoneFree,
    pages.managed,
    pages.watermark,
    pages.movableWatermark,
  ])
    array.fill(0)
  pages.blockType.fill(MIGRATE.movable)
  for (let sentinel = pages.frames; nextOf(sentinel) < pages.links.length; sentinel++) {
    pages.links[nextOf(sentinel)] = sentinel
    pages.links[prevOf(sentinel)] = sentinel
  }
  pages.folios.clear()
}
