import { zonelist, freeRange, placeRange, setWatermarks } from './populate.ts'
import { MIGRATE } from './migratetype.ts'
import { createPages, ZONE, ZONES_PER_NODE, type Pages } from './pages.ts'

/** One node of `frames`, all Normal and all free; `movable` of them at the end are ZONE_MOVABLE, `cma` before those are CMA. */
export function freshPages(frames: number, { movable = 0, cma = 0 } = {}): Pages {
  const pages = createPages(frames, 1)
  placeRange(pages, { start: 0, end: frames - movable - cma }, ZONE.normal, MIGRATE.movable)
  if (cma > 0) placeRange(pages, { start: frames - movable - cma, end: frames - movable }, ZONE.normal, MIGRATE.cma)
  if (movable > 0) placeRange(pages, { start: frames - movable, end: frames }, ZONE.movable, MIGRATE.movable)
  freeRange(pages, { start: 0, end: frames })
  return pages
}

/** Two nodes with a DMA32 zone in the first, watermarks as the kernel sets them. */
export function twoNodes(frames: number): Pages {
  const pages = createPages(frames, 2)
  const quarter = frames / 4
  placeRange(pages, { start: 0, end: quarter }, ZONE.dma32, MIGRATE.movable)
  placeRange(pages, { start: quarter, end: 2 * quarter }, ZONE.normal, MIGRATE.movable)
  placeRange(pages, { start: 2 * quarter, end: frames }, ZONES_PER_NODE + ZONE.normal, MIGRATE.movable)
  freeRange(pages, { start: 0, end: frames })
  setWatermarks(pages)
  return pages
}

export const normalOf = (pages: Pages): readonly number[] => zonelist(pages, 0, [ZONE.normal, ZONE.dma32])
export const movableOf = (pages: Pages): readonly number[] => zonelist(pages, 0, [ZONE.movable, ZONE.normal, ZONE.dma32])
