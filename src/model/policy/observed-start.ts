import { markUsed } from '../pages/buddy.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { layOut, type ObservedZone } from '../pages/observed.ts'
import { clearPages, USE } from '../pages/pages.ts'
import type { FrameRange } from '../pages/populate.ts'
import { makeZonelists } from './boot.ts'
import { addFolio, PURPOSE } from './folio-set.ts'
import type { World } from './world.ts'

/** What a real guest showed of its memory, with the holes between its RAM left out. */
export interface ObservedStart {
  readonly frames: number
  readonly nodes: number
  /** Frames of ZONE_DMA32; 0 where there is no other zone. */
  readonly dma32: number
  readonly zones: readonly ObservedZone[]
  /** Scratch, region by region. */
  readonly scratch: readonly FrameRange[]
  /** What was preserved, ascending; orders up to MAX_PAGE_ORDER. */
  readonly folios: readonly { readonly frame: number; readonly order: number }[]
}

/**
 * Generation 0 is not booted but taken over from a real guest: its free lists, its pageblocks, its scratch as CMA, its preserved
 * pages where they lie. The design under study applies from the first kexec on. Throws RangeError where the numbers contradict
 * each other.
 */
export function takeOver(world: World, { zones, scratch, folios }: ObservedStart): void {
  const { pages, kept } = world
  clearPages(pages)
  const laidOut = layOut(pages, zones, { cma: scratch, folios })
  if (!laidOut.ok) throw new RangeError(`what was observed contradicts itself: ${laidOut.error}`)
  for (const { frame, order } of folios) {
    const id = pages.folios.add(frame)
    markUsed(pages, frame, order, USE.unmovable, id)
    addFolio(kept, { id, frame, order, purpose: PURPOSE.driver, fixed: true, marked: false })
  }
  world.zonelists = makeZonelists(world, world.design.zones)
}

/** The model's migratetypes by the names of /proc/pagetypeinfo (migratetype_names, mm/show_mem.c, 7.3). */
export const MIGRATE_OF_NAME: Readonly<Record<string, number>> = {
  Unmovable: MIGRATE.unmovable,
  Movable: MIGRATE.movable,
  Reclaimable: MIGRATE.reclaimable,
  HighAtomic: MIGRATE.highatomic,
  CMA: MIGRATE.cma,
  Isolate: MIGRATE.isolate,
}
