import { acceptAnywhere, framesClosedToUnmovable, MOVABLE, nothing, REGION, switchRegion, ZONES_WITH_REGION } from './parts.ts'
import type { Policy } from './policy.ts'

/** Boots inside A or B alone; the rest is added later. Nothing keeps pages that last out of the running region. */
export const abLate: Policy = {
  id: 'ab-late',
  title: 'boot in A or B, rest added later',
  regions: 2,
  restComesLate: true,
  sound: true,
  marksAllocations: false,
  region: (index, running) => (index === running ? REGION : MOVABLE),
  zones: { ...ZONES_WITH_REGION, kho: ZONES_WITH_REGION.unmovable },
  settle: nothing,
  toKho: acceptAnywhere,
  next: (world) => switchRegion(world, { refuseIfPreserved: true }),
  heldBack: (world) => framesClosedToUnmovable(world, (index) => index !== world.running),
}
