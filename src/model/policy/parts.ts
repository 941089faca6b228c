import { allocContigRange } from '../pages/contig.ts'
import { alignDown, framesOf, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER } from '../pages/frame-bits.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { NONE, USE, ZONE } from '../pages/pages.ts'
import type { FrameRange } from '../pages/populate.ts'
import { frameAt } from './folio-set.ts'
import type { RegionKind, ZoneKinds } from './design.ts'
import type { KhoAnswer, NextKernel } from './policy.ts'
import { obtain, reclaim } from './memory.ts'
import { inRanges, type World } from './world.ts'
import { PAGE_SIZE } from '../../shared/units.ts'

export const NORMAL: RegionKind = { zone: ZONE.normal, type: MIGRATE.movable }
export const MOVABLE: RegionKind = { zone: ZONE.movable, type: MIGRATE.movable }
export const CMA: RegionKind = { zone: ZONE.normal, type: MIGRATE.cma }
/** Normal memory that can be told from the rest. */
export const REGION: RegionKind = { zone: ZONE.region, type: MIGRATE.movable }

export const ORDINARY_ZONES: ZoneKinds = {
  unmovable: [ZONE.normal, ZONE.dma32],
  movable: [ZONE.movable, ZONE.normal, ZONE.dma32],
  kho: [ZONE.normal, ZONE.dma32],
}

/** As {@link ORDINARY_ZONES}, but the running region is also Normal memory, and used when the rest is full. */
export const ZONES_WITH_REGION: ZoneKinds = {
  unmovable: [ZONE.normal, ZONE.region, ZONE.dma32],
  movable: [ZONE.movable, ZONE.normal, ZONE.region, ZONE.dma32],
  kho: [ZONE.normal, ZONE.dma32],
}

export const other = (running: number): number => 1 - running
export const nothing = (): void => undefined
export const acceptAnywhere = (): KhoAnswer => 'accepted'
export const imageFrames = (world: World): number => Math.ceil(world.study.boot.image / PAGE_SIZE)
export const sizeOf = (ranges: readonly FrameRange[]): number => ranges.reduce((sum, { start, end }) => sum + end - start, 0)

/** Refuses what lies in a boot region; where everything there is movable that never happens, as pinning moves it first. */
export const refuseInRegions = (world: World, _at: number, frame: number): KhoAnswer =>
  inRanges(world.regions, frame) ? 'refused' : 'accepted'

/** Migrates out what lies in a boot region, unless something holds it there. */
export const moveOutOfRegions = (world: World, at: number, frame: number): KhoAnswer =>
  !inRanges(world.regions, frame) ? 'accepted' : world.kept.fixed[at] === 1 ? 'refused' : 'migrate'

/** True when a handed-over folio, or a part of one, lies in one of the ranges. */
export function holdsPreserved(world: World, ranges: readonly FrameRange[]): boolean {
  return preservedIn(world, ranges).frames > 0
}

/** Frames of handed-over folios in these ranges, and the lowest of them; NONE when there is none. */
export function preservedIn(world: World, ranges: readonly FrameRange[]): { readonly frames: number; readonly first: number } {
  const { kept, pages } = world
  let frames = 0
  let first = Infinity
  for (let at = 0; at < kept.length; at++) {
    const start = frameAt(pages, kept, at)
    const end = start + framesOf(kept.orders[at] ?? 0)
    for (const range of ranges) {
      const from = Math.max(start, range.start)
      const inside = Math.max(0, Math.min(end, range.end) - from)
      frames += inside
      if (inside > 0 && from < first) first = from
    }
  }
  return { frames, first: frames === 0 ? NONE : first }
}

/**
 * The image is put where it will run: a linear piece of the region, emptied by migration while the old kernel still runs.
 * Tries pieces from the region's start, each behind what could not move; drops page cache where what moves finds no room.
 */
export function loadInto(world: World, region: FrameRange): boolean {
  const { pages } = world
  const size = Math.ceil(imageFrames(world) / PAGEBLOCK_FRAMES) * PAGEBLOCK_FRAMES
  for (let start = region.start; start + size <= region.end;) {
    const failure = allocContigRange(pages, { start, end: start + size }, world.zonelists.movable[0] ?? [], USE.unmovable)
    if (failure === undefined) return true
    if (failure.reason !== 'no-memory') start = Math.max(start, alignDown(failure.frame, PAGEBLOCK_ORDER)) + PAGEBLOCK_FRAMES
    else if (reclaim(world, size) === 0) return false
  }
  return false
}

/** The image is kept in pages from anywhere and copied by what runs between the kernels. Single pages will do. */
export function loadAnywhere(world: World): boolean {
  let order = SEGMENT_ORDER
  for (let loaded = 0; loaded < imageFrames(world);) {
    if (obtain(world, order, MIGRATE.unmovable, world.zonelists.unmovable[0] ?? []) !== NONE) loaded += framesOf(order)
    else if (--order < 0) return false
  }
  return true
}

/** Segments are collected in pieces of this order while there are some. */
const SEGMENT_ORDER = 6

/** Boots in the other of two regions, without a copy. */
export function switchRegion(world: World, options: { readonly refuseIfPreserved: boolean }): NextKernel {
  const running = other(world.running)
  const target = world.regions[running]
  if (target === undefined) throw new RangeError('a policy with two regions has a world with fewer')
  if (options.refuseIfPreserved && holdsPreserved(world, [target])) return { ok: false, step: 'target-not-empty' }
  if (!loadInto(world, target)) return { ok: false, step: 'load-image' }
  return { ok: true, early: [target], copiedFrames: 0, running }
}

/** Frames of the regions that are of a kind that ordinary unmovable allocations may not use. */
export const framesClosedToUnmovable = (world: World, closed: (index: number) => boolean): number =>
  sizeOf(world.regions.filter((_range, index) => closed(index)))
