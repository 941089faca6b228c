import { allocate, type Zonelist } from './allocate.ts'
import { release } from './buddy.ts'
import { framesOf, MAX_PAGE_ORDER } from './frame-bits.ts'
import { MIGRATE } from './migratetype.ts'
import {
  folioOf,
  isPinned,
  NONE,
  setPinned,
  setUse,
  typeOf,
  USE,
  USED,
  useOf,
  ZONE,
  ZONES_PER_NODE,
  zoneOf,
  type Pages,
} from './pages.ts'

export type MigrateFailure = 'unmovable' | 'pinned' | 'no-memory'

/**
 * Copies a movable block elsewhere and frees where it was (migrate_pages, mm/migrate.c, 7.3). Its id follows.
 * A pinned block stays: its reference count is not what migration expects. Larger than MAX_PAGE_ORDER finds no target.
 */
export function migrate(pages: Pages, frame: number, zones: Zonelist): MigrateFailure | undefined {
  const failure = tryMigrate(pages, frame, zones)
  if (failure !== undefined) pages.work.migrationFailures++
  return failure
}

function tryMigrate(pages: Pages, frame: number, zones: Zonelist): MigrateFailure | undefined {
  const order = (pages.state[frame] ?? 0) - USED
  if (order < 0 || useOf(pages, frame) !== USE.movable) return 'unmovable'
  if (isPinned(pages, frame)) return 'pinned'
  if (order > MAX_PAGE_ORDER) return 'no-memory'
  const folio = folioOf(pages, frame)
  const target = allocate(pages, order, MIGRATE.movable, zones, folio)
  if (target === NONE) return 'no-memory'
  landed(pages, frame, target, order, folio)
  return undefined
}

/** The copy is done: count it, let the id follow, free the old place. */
export function landed(pages: Pages, from: number, to: number, order: number, folio: number): void {
  if (folio !== NONE) pages.folios.move(folio, to)
  pages.work.migratedFolios++
  pages.work.migratedFrames += framesOf(order)
  release(pages, from)
}

/** Where a long-term pin would stand in somebody's way: CMA, isolated or ZONE_MOVABLE (folio_is_longterm_pinnable, include/linux/mm.h, 7.3). */
export function mustMoveToPin(pages: Pages, frame: number): boolean {
  const type = typeOf(pages, frame)
  return type === MIGRATE.cma || type === MIGRATE.isolate || zoneOf(pages, frame) % ZONES_PER_NODE === ZONE.movable
}

/**
 * Pins a block for long. Where that is not allowed it is migrated first to a place where unmovable memory may be, and the pin
 * fails with the migration (check_and_migrate_movable_folios, mm/gup.c, 7.3). Answers the frame, or why not.
 */
export function pinLongTerm(pages: Pages, frame: number, unmovableZones: Zonelist): number | MigrateFailure {
  if (!mustMoveToPin(pages, frame)) {
    setPinned(pages, frame, true)
    return frame
  }
  const order = (pages.state[frame] ?? 0) - USED
  if (order < 0 || useOf(pages, frame) !== USE.movable) return 'unmovable'
  if (order > MAX_PAGE_ORDER) return 'no-memory'
  const folio = folioOf(pages, frame)
  // migrate_longterm_unpinnable_folios asks for GFP_USER: neither CMA nor ZONE_MOVABLE may answer.
  const target = allocate(pages, order, MIGRATE.unmovable, unmovableZones, folio)
  if (target === NONE) return 'no-memory'
  setUse(pages, target, USE.movable, true)
  landed(pages, frame, target, order, folio)
  return target
}
