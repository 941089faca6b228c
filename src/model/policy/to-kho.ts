import { framesClosedToUnmovable, MOVABLE, moveOutOfRegions, nothing, REGION, switchRegion, ZONES_WITH_REGION } from './parts.ts'
import type { Policy } from './policy.ts'

/** Any page may be handed over, said late: those in A or B are migrated out then, or refused when something holds them. */
export const toKho: Policy = {
  id: 'to-kho',
  title: 'to_kho() on any page, late',
  regions: 2,
  restComesLate: true,
  sound: true,
  marksAllocations: false,
  region: (index, running) => (index === running ? REGION : MOVABLE),
  zones: ZONES_WITH_REGION,
  settle: nothing,
  toKho: moveOutOfRegions,
  next: (world) => switchRegion(world, { refuseIfPreserved: true }),
  heldBack: (world) => framesClosedToUnmovable(world, (index) => index !== world.running),
}
