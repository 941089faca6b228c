import { GiB, PAGE_SIZE } from '../../shared/units.ts'
import { framesOf } from '../pages/frame-bits.ts'
import type { FrameRange } from '../pages/populate.ts'
import { frameAt } from './folio-set.ts'
import type { Policy } from './policy.ts'
import { copyToScratch, scratch } from './scratch.ts'
import type { World } from './world.ts'

/** KHO_SCRATCH_EXT_BLKSIZE (kernel/liveupdate/kexec_handover.c, 7.3). */
const BLOCK = GiB / PAGE_SIZE

/** Scratch, and for early memory also every 1 GiB block in which nothing was handed over. */
export const scratchExtended: Policy = {
  ...scratch,
  id: 'scratch-extended',
  title: 'scratch, extended by free 1 GiB blocks',
  next: (world) => {
    const plain = copyToScratch(world)
    return plain.ok ? { ...plain, early: joined([...world.regions, ...freeBlocks(world)]) } : plain
  },
}

/** kho_extend_scratch (kernel/liveupdate/kexec_handover.c, 7.3). The tree's own pages keep their blocks busy too. */
export function freeBlocks(world: World): readonly FrameRange[] {
  const { kept, pages } = world
  const busy = new Uint8Array(Math.ceil(pages.frames / BLOCK))
  for (let at = 0; at < kept.length; at++) {
    const start = frameAt(pages, kept, at)
    const last = Math.floor((start + framesOf(kept.orders[at] ?? 0) - 1) / BLOCK)
    for (let block = Math.floor(start / BLOCK); block <= last; block++) busy[block] = 1
  }
  return [...busy.entries()]
    .filter(([, taken]) => taken === 0)
    .map(([block]) => ({ start: block * BLOCK, end: Math.min(pages.frames, (block + 1) * BLOCK) }))
}

function joined(ranges: readonly FrameRange[]): readonly FrameRange[] {
  const result: { start: number; end: number }[] = []
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}
