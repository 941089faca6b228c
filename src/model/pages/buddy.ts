import {
  alignDown,
  buddyOf,
  framesOf,
  MAX_PAGE_ORDER,
  nextOf,
  PAGEBLOCK_FRAMES,
  PAGEBLOCK_ORDER,
  pageblockOf,
  prevOf,
} from './frame-bits.ts'
import { MIGRATE, MIGRATE_PCPTYPES, MIGRATE_TYPES } from './migratetype.ts'
import { FREE, listOf, NONE, ORDERS, typeOf, USED, zoneOf, type Pages, type Use } from './pages.ts'

/** __add_to_free_list (mm/page_alloc.c, 7.3); the caller accounts for the frames. */
function link(pages: Pages, zone: number, frame: number, order: number, type: number, toTail: boolean): void {
  const { links } = pages
  const sentinel = pages.frames + listOf(zone, order, type)
  const after = toTail ? (links[prevOf(sentinel)] ?? sentinel) : sentinel
  const before = links[nextOf(after)] ?? sentinel
  links[nextOf(frame)] = before
  links[prevOf(frame)] = after
  links[nextOf(after)] = frame
  links[prevOf(before)] = frame
  pages.state[frame] = FREE + order
  const ofOrder = zone * ORDERS + order
  pages.blocksFree[ofOrder] = (pages.blocksFree[ofOrder] ?? 0) + 1
}

/** __del_page_from_free_list (mm/page_alloc.c, 7.3); the caller accounts for the frames. */
function unlink(pages: Pages, zone: number, frame: number, order: number): void {
  const { links } = pages
  const before = links[nextOf(frame)] ?? NONE
  const after = links[prevOf(frame)] ?? NONE
  links[nextOf(after)] = before
  links[prevOf(before)] = after
  pages.state[frame] = 0
  const ofOrder = zone * ORDERS + order
  pages.blocksFree[ofOrder] = (pages.blocksFree[ofOrder] ?? 0) - 1
}

/** account_freepages (mm/page_alloc.c, 7.3): isolated frames are no longer the zone's to give. */
function account(pages: Pages, zone: number, type: number, frames: number): void {
  const ofType = zone * MIGRATE_TYPES + type
  pages.framesFree[ofType] = (pages.framesFree[ofType] ?? 0) + frames
  if (type !== MIGRATE.isolate) pages.zoneFree[zone] = (pages.zoneFree[zone] ?? 0) + frames
}

export function addFree(pages: Pages, zone: number, frame: number, order: number, type: number, toTail: boolean): void {
  link(pages, zone, frame, order, type, toTail)
  account(pages, zone, type, framesOf(order))
}

/** del_page_from_free_list (mm/page_alloc.c, 7.3). */
export function removeFree(pages: Pages, zone: number, frame: number, order: number, type: number): void {
  unlink(pages, zone, frame, order)
  account(pages, zone, type, -framesOf(order))
}

/** First block of a free list, NONE when it is empty. */
export function firstFree(pages: Pages, zone: number, order: number, type: number): number {
  const sentinel = pages.frames + listOf(zone, order, type)
  const first = pages.links[nextOf(sentinel)] ?? sentinel
  return first === sentinel ? NONE : first
}

export function setBlockTypes(pages: Pages, frame: number, order: number, type: number): void {
  for (let at = frame; at < frame + framesOf(order); at += PAGEBLOCK_FRAMES) pages.blockType[pageblockOf(at)] = type
}

/** Puts a block on its list, merged with every free buddy (__free_one_page, mm/page_alloc.c, 7.3). `type` is that of its pageblock. */
export function freeOne(pages: Pages, start: number, startOrder: number, type: number, toTail: boolean): void {
  const zone = zoneOf(pages, start)
  const { state } = pages
  let frame = start
  let order = startOrder
  account(pages, zone, type, framesOf(order))
  while (order < MAX_PAGE_ORDER) {
    const buddy = buddyOf(frame, order)
    if (state[buddy] !== FREE + order) break
    let buddyType = type
    if (order >= PAGEBLOCK_ORDER) {
      buddyType = typeOf(pages, buddy)
      if (type !== buddyType && (type >= MIGRATE_PCPTYPES || buddyType >= MIGRATE_PCPTYPES)) break
    }
    unlink(pages, zone, buddy, order)
    if (buddyType !== type) {
      setBlockTypes(pages, buddy, order, type)
      account(pages, zone, buddyType, -framesOf(order))
      account(pages, zone, type, framesOf(order))
    }
    if (buddy < frame) frame = buddy
    order++
  }
  link(pages, zone, frame, order, type, toTail || mergeLikely(pages, frame, order))
}

/** buddy_merge_likely (mm/page_alloc.c, 7.3): what may soon become larger goes to the tail, where it is not taken so soon. */
function mergeLikely(pages: Pages, frame: number, order: number): boolean {
  if (order >= MAX_PAGE_ORDER - 1) return false
  return pages.state[buddyOf(alignDown(frame, order + 1), order + 1)] === FREE + order + 1
}

/** Takes a free block and gives back what is above `low` (page_del_and_expand, mm/page_alloc.c, 7.3). */
export function takeAndExpand(pages: Pages, zone: number, frame: number, low: number, high: number, type: number): void {
  unlink(pages, zone, frame, high)
  split(pages, zone, frame, low, high, type)
  account(pages, zone, type, -framesOf(low))
}

/** The lower part of a block that is on no list stays with the caller, the rest goes to the lists of `type` (expand, mm/page_alloc.c, 7.3). */
export function expand(pages: Pages, zone: number, frame: number, low: number, high: number, type: number): void {
  split(pages, zone, frame, low, high, type)
  account(pages, zone, type, framesOf(high) - framesOf(low))
}

function split(pages: Pages, zone: number, frame: number, low: number, high: number, type: number): void {
  for (let order = high - 1; order >= low; order--) link(pages, zone, frame + framesOf(order), order, type, false)
}

/** Makes a block that is on no list an allocated one. */
export function markUsed(pages: Pages, frame: number, order: number, use: Use, folio: number): void {
  pages.state[frame] = USED + order
  pages.links[nextOf(frame)] = folio
  pages.links[prevOf(frame)] = use
}

/** Gives an allocated block of any order back, pageblock by pageblock where it is larger (split_large_buddy, mm/page_alloc.c, 7.3). */
export function release(pages: Pages, frame: number): void {
  const order = (pages.state[frame] ?? 0) - USED
  if (order < 0) throw new RangeError(`frame ${frame} is not the head of an allocated block`)
  pages.state[frame] = 0
  pages.work.freed++
  if (order <= PAGEBLOCK_ORDER) {
    freeOne(pages, frame, order, typeOf(pages, frame), false)
    return
  }
  for (let at = frame; at < frame + framesOf(order); at += PAGEBLOCK_FRAMES)
    freeOne(pages, at, PAGEBLOCK_ORDER, typeOf(pages, at), false)
}

/** Order of the block, free or allocated, whose head this is. */
export function blockOrder(pages: Pages, head: number): number {
  const is = pages.state[head] ?? 0
  return is < USED ? is - FREE : is - USED
}

/** Head of the block that covers `frame`, which may lie far before it. Throws RangeError where memory has not been given away. */
export function headOf(pages: Pages, frame: number): number {
  for (let order = 0; order <= LARGEST_BLOCK; order++) {
    const head = alignDown(frame, order)
    if (pages.state[head] !== 0) return head
  }
  throw new RangeError(`frame ${frame} belongs to no block`)
}

/** 1 GiB: the largest folio there is on x86-64 (MAX_FOLIO_ORDER, include/linux/mmzone.h, 7.3), and the largest block here. */
export const LARGEST_BLOCK = 18
