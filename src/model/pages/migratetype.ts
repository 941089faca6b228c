/** enum migratetype of include/linux/mmzone.h (7.3). HIGHATOMIC has its place but no pageblock ever gets it here. */
export const MIGRATE = { unmovable: 0, movable: 1, reclaimable: 2, highatomic: 3, cma: 4, isolate: 5 } as const
export const MIGRATE_TYPES = 6
export const MIGRATE_PCPTYPES = 3

/** What an allocation is for, as its GFP flags steer it: GFP_KERNEL, GFP_HIGHUSER_MOVABLE, __GFP_RECLAIMABLE. */
export type Mobility = typeof MIGRATE.unmovable | typeof MIGRATE.movable | typeof MIGRATE.reclaimable

/** fallbacks[] of mm/page_alloc.c (7.3), two per type. */
export const FALLBACKS = Uint8Array.of(
  MIGRATE.reclaimable,
  MIGRATE.movable,
  MIGRATE.reclaimable,
  MIGRATE.unmovable,
  MIGRATE.unmovable,
  MIGRATE.movable,
)
