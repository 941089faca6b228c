import { alignDown, framesOf, PAGEBLOCK_FRAMES, PAGEBLOCK_ORDER } from '../pages/frame-bits.ts'
import type { FrameRange } from '../pages/populate.ts'
import { folioOfKey, sortedFolios } from './folio-set.ts'
import { acceptAnywhere, imageFrames, loadAnywhere, NORMAL, nothing, ORDINARY_ZONES } from './parts.ts'
import type { Policy } from './policy.ts'
import { bootNeed, type World } from './world.ts'

/** Segments lie anywhere and are copied at the kexec to a linear place without handed-over pages, if there is one. */
export const purgatory: Policy = {
  id: 'purgatory',
  title: 'copy by purgatory',
  regions: 0,
  restComesLate: false,
  sound: true,
  marksAllocations: false,
  region: () => NORMAL,
  zones: ORDINARY_ZONES,
  settle: nothing,
  toKho: acceptAnywhere,
  next: (world) => {
    const frames = bootNeed(world.study, world.pages.frames, world.kept.length)
    const gap = longestGap(world)
    if (gap.end - gap.start < frames) return { ok: false, step: 'no-linear-destination' }
    if (!loadAnywhere(world)) return { ok: false, step: 'load-image' }
    return { ok: true, early: [{ start: gap.start, end: gap.start + frames }], copiedFrames: imageFrames(world), running: 0 }
  },
  heldBack: () => 0,
}

/** The longest stretch without a handed-over page, cut to whole pageblocks. What the old kernel has there may be written over. */
export function longestGap(world: World): FrameRange {
  const { kept, pages } = world
  let best = { start: 0, end: 0 }
  let from = 0
  const close = (until: number): void => {
    const start = Math.ceil(from / PAGEBLOCK_FRAMES) * PAGEBLOCK_FRAMES
    const end = alignDown(until, PAGEBLOCK_ORDER)
    if (end - start > best.end - best.start) best = { start, end }
  }
  for (const key of sortedFolios(pages, kept)) {
    const { frame, order } = folioOfKey(key)
    close(frame)
    from = frame + framesOf(order)
  }
  close(pages.frames)
  return best
}
