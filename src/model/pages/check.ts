import { buddyOf, framesOf, MAX_PAGE_ORDER, nextOf, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER, prevOf } from './frame-bits.ts'
import { MIGRATE, MIGRATE_PCPTYPES, MIGRATE_TYPES } from './migratetype.ts'
import { folioOf, FREE, listOf, NONE, ORDERS, typeOf, USE, USED, useOf, zoneOf, type Pages } from './pages.ts'

/** A rule that does not hold, and the frame where. */
export interface Broken {
  readonly rule: string
  readonly frame: number
}

/**
 * Checks everything that must always hold: the blocks tile memory without gap or overlap, each free block is on exactly the
 * list of its zone, order and type, counts add up, buddies that may merge have merged, and every id points at its block.
 */
export function checkPages(pages: Pages): Broken | undefined {
  const zones = pages.managed.length
  const blocks = new Int32Array(zones * ORDERS)
  const frames = new Int32Array(zones * MIGRATE_TYPES)
  for (let at = 0; at < pages.frames;) {
    const is = pages.state[at] ?? 0
    if (is === 0) return { rule: 'frame-in-no-block', frame: at }
    const order = is < USED ? is - FREE : is - USED
    const size = framesOf(order)
    if (at % size !== 0) return { rule: 'block-not-aligned', frame: at }
    for (let inside = at + 1; inside < at + size; inside++)
      if (pages.state[inside] !== 0) return { rule: 'blocks-overlap', frame: inside }
    const broken = is < USED ? checkFree(pages, at, order) : checkUsed(pages, at)
    if (broken !== undefined) return broken
    if (is < USED) {
      const zone = zoneOf(pages, at)
      blocks[zone * ORDERS + order] = (blocks[zone * ORDERS + order] ?? 0) + 1
      frames[zone * MIGRATE_TYPES + typeOf(pages, at)] = (frames[zone * MIGRATE_TYPES + typeOf(pages, at)] ?? 0) + size
    }
    at += size
  }
  return checkCounts(pages, blocks, frames) ?? checkLists(pages)
}

function checkFree(pages: Pages, frame: number, order: number): Broken | undefined {
  if (order > MAX_PAGE_ORDER) return { rule: 'free-block-too-large', frame }
  const type = typeOf(pages, frame)
  for (let at = frame; at < frame + framesOf(order); at += PAGEBLOCK_FRAMES)
    if (typeOf(pages, at) !== type) return { rule: 'free-block-of-two-types', frame: at }
  if (order === MAX_PAGE_ORDER) return undefined
  const buddy = buddyOf(frame, order)
  if (pages.state[buddy] !== FREE + order) return undefined
  const other = typeOf(pages, buddy)
  const mayMerge = type === other || (order >= PAGEBLOCK_ORDER && type < MIGRATE_PCPTYPES && other < MIGRATE_PCPTYPES)
  return mayMerge ? { rule: 'buddies-not-merged', frame } : undefined
}

function checkUsed(pages: Pages, frame: number): Broken | undefined {
  if (useOf(pages, frame) === USE.none) return { rule: 'allocated-block-without-use', frame }
  const folio = folioOf(pages, frame)
  return folio !== NONE && pages.folios.frame(folio) !== frame ? { rule: 'folio-is-elsewhere', frame } : undefined
}

function checkCounts(pages: Pages, blocks: Int32Array, frames: Int32Array): Broken | undefined {
  if (blocks.some((count, index) => count !== pages.blocksFree[index])) return { rule: 'block-counts', frame: NONE }
  if (frames.some((count, index) => count !== pages.framesFree[index])) return { rule: 'frame-counts', frame: NONE }
  for (let zone = 0; zone < pages.managed.length; zone++) {
    let free = 0
    for (let type = 0; type < MIGRATE_TYPES; type++)
      if (type !== MIGRATE.isolate) free += frames[zone * MIGRATE_TYPES + type] ?? 0
    if (free !== pages.zoneFree[zone]) return { rule: 'zone-counts', frame: NONE }
  }
  return undefined
}

/** Every list holds free blocks of its own order, type and zone, linked both ways; the counts say that none is missing. */
function checkLists(pages: Pages): Broken | undefined {
  for (let zone = 0; zone < pages.managed.length; zone++) {
    for (let order = 0; order < ORDERS; order++) {
      let seen = 0
      for (let type = 0; type < MIGRATE_TYPES; type++) {
        const sentinel = pages.frames + listOf(zone, order, type)
        for (
          let at = pages.links[nextOf(sentinel)] ?? NONE, before = sentinel;
          at !== sentinel;
          before = at, at = pages.links[nextOf(at)] ?? NONE
        ) {
          if (pages.links[prevOf(at)] !== before) return { rule: 'list-broken', frame: at }
          if (pages.state[at] !== FREE + order || zoneOf(pages, at) !== zone || typeOf(pages, at) !== type)
            return { rule: 'on-wrong-list', frame: at }
          if (++seen > (pages.blocksFree[zone * ORDERS + order] ?? 0)) return { rule: 'list-too-long', frame: at }
        }
      }
      if (seen !== pages.blocksFree[zone * ORDERS + order]) return { rule: 'block-on-no-list', frame: NONE }
    }
  }
  return undefined
}
