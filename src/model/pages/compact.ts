import { expand, markUsed, removeFree } from './buddy.ts'
import { framesOf, MAX_PAGE_ORDER, PAGEBLOCK_FRAMES } from './frame-bits.ts'
import { MIGRATE } from './migratetype.ts'
import { landed } from './migrate.ts'
import { folioOf, FREE, isPinned, NONE, ORDERS, typeOf, USE, USED, useOf, type Pages } from './pages.ts'

/**
 * Direct compaction of one zone in its plain form (compact_zone, mm/compaction.c, 7.3): one scanner takes movable blocks from
 * the zone's bottom, the other free ones from its top, until a free block of `order` exists or they meet. No skip hints, no
 * deferral, CMA is left alone. True when there is such a block.
 */
export function compactZone(pages: Pages, zone: number, order: number): boolean {
  const has = (): boolean => {
    for (let at = order; at <= MAX_PAGE_ORDER; at++) if ((pages.blocksFree[zone * ORDERS + at] ?? 0) > 0) return true
    return false
  }
  let low = 0
  let high = pages.blockType.length - 1
  const isOurs = (block: number): boolean =>
    pages.zoneOfBlock[block] === zone && pages.isolated[block] === 0 && pages.blockType[block] !== MIGRATE.cma
  for (; low < high && !has(); low++) {
    if (!isOurs(low)) continue
    for (let frame = low * PAGEBLOCK_FRAMES; frame < (low + 1) * PAGEBLOCK_FRAMES;) {
      const is = pages.state[frame] ?? 0
      pages.work.scanned++
      const size = is === 0 ? 1 : framesOf(is < USED ? is - FREE : is - USED)
      if (is >= USED && is - USED < order && useOf(pages, frame) === USE.movable && !isPinned(pages, frame)) {
        high = moveUp(pages, zone, frame, is - USED, low, high, order, isOurs)
        if (high <= low) return has()
      }
      frame += size
    }
  }
  return has()
}

/** Moves one block to the highest pageblock below `high` that takes it; answers where the free scanner stands. */
function moveUp(
  pages: Pages,
  zone: number,
  frame: number,
  order: number,
  low: number,
  high: number,
  wanted: number,
  isOurs: (block: number) => boolean,
): number {
  for (let block = high; block > low; block--) {
    if (!isOurs(block) || pages.blockType[block] !== MIGRATE.movable) continue
    const target = freeIn(pages, block, order, wanted)
    if (target === NONE) continue
    const free = (pages.state[target] ?? 0) - FREE
    const type = typeOf(pages, target)
    removeFree(pages, zone, target, free, type)
    expand(pages, zone, target, order, free, type)
    const folio = folioOf(pages, frame)
    markUsed(pages, target, order, USE.movable, folio)
    landed(pages, frame, target, order, folio)
    return block
  }
  return low
}

/** A free block of the pageblock that takes `order` and is not yet what compaction is for (suitable_migration_target, mm/compaction.c, 7.3). */
function freeIn(pages: Pages, block: number, order: number, wanted: number): number {
  const start = block * PAGEBLOCK_FRAMES
  for (let frame = start; frame < start + PAGEBLOCK_FRAMES;) {
    const is = pages.state[frame] ?? 0
    pages.work.scanned++
    if (is === 0) {
      frame++
      continue
    }
    if (is < USED && is - FREE >= order && is - FREE < wanted) return frame
    frame += framesOf(is < USED ? is - FREE : is - USED)
  }
  return NONE
}
