import { CMA, framesClosedToUnmovable, imageFrames, loadAnywhere, nothing, ORDINARY_ZONES, refuseInRegions } from './parts.ts'
import type { NextKernel, Policy } from './policy.ts'
import type { World } from './world.ts'

/** One region, chosen when the machine first starts and the same for every kernel after; CMA while a kernel runs. */
export const scratch: Policy = {
  id: 'scratch',
  title: 'scratch as CMA',
  regions: 1,
  restComesLate: false,
  sound: true,
  marksAllocations: false,
  region: () => CMA,
  zones: ORDINARY_ZONES,
  settle: nothing,
  toKho: refuseInRegions,
  next: (world) => copyToScratch(world),
  heldBack: (world) => framesClosedToUnmovable(world, () => true),
}

/** The image is copied to scratch when the kernels change, over what the old kernel has there. */
export function copyToScratch(world: World): NextKernel {
  if (!loadAnywhere(world)) return { ok: false, step: 'load-image' }
  return { ok: true, early: world.regions, copiedFrames: imageFrames(world), running: 0 }
}
