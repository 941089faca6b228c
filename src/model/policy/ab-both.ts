import { framesClosedToUnmovable, MOVABLE, nothing, ORDINARY_ZONES, refuseInRegions, switchRegion } from './parts.ts'
import type { Policy } from './policy.ts'

/** Two regions, both movable as soon as the allocator runs: nothing that lasts can land in either. */
export const abBoth: Policy = {
  id: 'ab-both',
  title: 'A/B, both movable',
  regions: 2,
  restComesLate: false,
  sound: true,
  marksAllocations: false,
  region: () => MOVABLE,
  zones: ORDINARY_ZONES,
  settle: nothing,
  toKho: refuseInRegions,
  next: (world) => switchRegion(world, { refuseIfPreserved: true }),
  heldBack: (world) => framesClosedToUnmovable(world, () => true),
}
