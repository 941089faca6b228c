import { allocate, type Zonelist } from '../pages/allocate.ts'
import { blockOrder, release } from '../pages/buddy.ts'
import { compactZone } from '../pages/compact.ts'
import { allocGigantic } from '../pages/contig.ts'
import { framesOf, MAX_PAGE_ORDER } from '../pages/frame-bits.ts'
import type { Mobility } from '../pages/migratetype.ts'
import { NONE, USE } from '../pages/pages.ts'
import { takeFromPool, type Pool, type World } from './world.ts'

/** After so many failures in one generation the machine is full: no more reclaim and compaction, which would only take time. */
const PATIENCE = 64
const RECLAIM_ROUNDS = 4

/** Allocates, if need be with what the slow path does: drop page cache, compact, give up and count it. Answers an id or NONE. */
export function obtain(world: World, order: number, type: Mobility, zones: Zonelist): number {
  const { folios } = world.pages
  const id = folios.add(NONE)
  const first = attempt(world, order, type, zones, id)
  const frame = first === NONE ? insist(world, order, type, zones, id) : first
  if (frame === NONE) {
    world.tally.allocationFailures++
    folios.remove(id)
    return NONE
  }
  folios.move(id, frame)
  return id
}

const attempt = ({ pages, zonelists }: World, order: number, type: Mobility, zones: Zonelist, id: number): number =>
  order > MAX_PAGE_ORDER
    ? allocGigantic(pages, order, USE.movable, zones, zonelists.movable[0] ?? zones, id)
    : allocate(pages, order, type, zones, id)

function insist(world: World, order: number, type: Mobility, zones: Zonelist, id: number): number {
  let frame = NONE
  if (world.tally.allocationFailures >= PATIENCE) return frame
  for (let round = 0; frame === NONE && round < RECLAIM_ROUNDS && world.cache.length > 0; round++) {
    reclaim(world, Math.max(64, 2 * framesOf(order)))
    frame = attempt(world, order, type, zones, id)
  }
  if (order === 0 || order > MAX_PAGE_ORDER) return frame
  for (const zone of zones)
    if (frame === NONE && compactZone(world.pages, zone, order)) frame = attempt(world, order, type, zones, id)
  return frame
}

/** Drops page cache, any of it, until so many frames are free again or none is left; answers how many. */
export function reclaim(world: World, frames: number): number {
  let freed = 0
  while (freed < frames && world.cache.length > 0) freed += dropFromPool(world, world.cache)
  return freed
}

/** Frees one block of the pool, any of them; answers its frames. */
export function dropFromPool(world: World, pool: Pool): number {
  const id = takeFromPool(pool, world.random.below(pool.length))
  const frame = world.pages.folios.frame(id)
  const frames = framesOf(blockOrder(world.pages, frame))
  giveBack(world, id)
  pool.frames -= frames
  return frames
}

/** folio_put of the last reference. */
export function giveBack(world: World, id: number): void {
  release(world.pages, world.pages.folios.frame(id))
  world.pages.folios.remove(id)
}
