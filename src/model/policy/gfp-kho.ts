import { framesClosedToUnmovable, MOVABLE, nothing, refuseInRegions, REGION, switchRegion, ZONES_WITH_REGION } from './parts.ts'
import type { Policy } from './policy.ts'

/** As boot in A or B, with an allocation flag: what is marked so never comes from A or B. Unmarked pages there are refused. */
export const gfpKho: Policy = {
  id: 'gfp-kho',
  title: 'GFP_KHO avoids A/B',
  regions: 2,
  restComesLate: true,
  sound: true,
  marksAllocations: true,
  region: (index, running) => (index === running ? REGION : MOVABLE),
  zones: ZONES_WITH_REGION,
  settle: nothing,
  toKho: refuseInRegions,
  next: (world) => switchRegion(world, { refuseIfPreserved: true }),
  heldBack: (world) => framesClosedToUnmovable(world, (index) => index !== world.running),
}
