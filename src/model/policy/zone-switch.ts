import { MIGRATE } from '../pages/migratetype.ts'
import { ZONE } from '../pages/pages.ts'
import { rezone } from '../pages/populate.ts'
import { framesClosedToUnmovable, MOVABLE, moveOutOfRegions, ORDINARY_ZONES, REGION, switchRegion } from './parts.ts'
import type { Policy } from './policy.ts'

/**
 * Boots in a region of ZONE_NORMAL that then takes no more unmovable pages; those that are there stay. In the milder form it
 * remains what it was, only unmovable requests pass it by; otherwise it becomes ZONE_MOVABLE, and pins move out of it too.
 */
export const zoneSwitch: Policy = {
  id: 'zone-switch',
  title: 'ZONE_NORMAL becomes ZONE_MOVABLE',
  regions: 2,
  restComesLate: true,
  sound: true,
  marksAllocations: false,
  region: (index, running) => (index === running ? REGION : MOVABLE),
  zones: { ...ORDINARY_ZONES, movable: [ZONE.movable, ZONE.normal, ZONE.region, ZONE.dma32] },
  settle: (world) => {
    const region = world.regions[world.running]
    if (world.study.zoneSwitch === 'zone' && region !== undefined) rezone(world.pages, region, ZONE.movable, MIGRATE.movable)
  },
  toKho: moveOutOfRegions,
  next: (world) => switchRegion(world, { refuseIfPreserved: true }),
  heldBack: (world) => framesClosedToUnmovable(world, () => true),
}
