import { acceptAnywhere, framesClosedToUnmovable, MOVABLE, NORMAL, nothing, ORDINARY_ZONES, switchRegion } from './parts.ts'
import type { Policy } from './policy.ts'

/** Two regions; only the one that does not run is movable, so memory that is to last can land in the running one. */
export const abSimple: Policy = {
  id: 'ab-simple',
  title: 'A/B, only the other movable',
  regions: 2,
  restComesLate: false,
  sound: false,
  marksAllocations: false,
  region: (index, running) => (index === running ? NORMAL : MOVABLE),
  zones: ORDINARY_ZONES,
  settle: nothing,
  toKho: acceptAnywhere,
  next: (world) => switchRegion(world, { refuseIfPreserved: false }),
  heldBack: (world) => framesClosedToUnmovable(world, (index) => index !== world.running),
}
