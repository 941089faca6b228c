import type { StudyMap } from '../../shared/documents/index.ts'
import { STUDY_MAP_KINDS } from '../../shared/study-names.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import { blockOrder } from '../pages/buddy.ts'
import { framesOf } from '../pages/frame-bits.ts'
import { USE, USED, useOf, type Pages, type Use } from '../pages/pages.ts'
import type { FrameRange } from '../pages/populate.ts'
import { frameAt, PURPOSE } from './folio-set.ts'
import type { World } from './world.ts'

const KINDS = STUDY_MAP_KINDS.length
const KIND = Object.fromEntries(STUDY_MAP_KINDS.map((kind, index) => [kind, index])) as Record<
  (typeof STUDY_MAP_KINDS)[number],
  number
>
/** What an allocated block is before it is known to be handed over. */
const OF_USE: Readonly<Record<Use, number>> = {
  [USE.none]: KIND.kernel,
  [USE.unmovable]: KIND.kernel,
  [USE.reclaimable]: KIND.kernel,
  [USE.movable]: KIND.movable,
  [USE.reserved]: KIND.boot,
}

/** Frames of each kind, cell by cell. */
interface Shares {
  readonly frames: Float64Array
  readonly perCell: number
}

/**
 * What lies where, as shares of `cells` equal pieces of memory. `early`: where the next kernel will boot; what is handed over
 * there is overwritten. Cells are fewer than frames.
 */
export function memoryMap(
  world: World,
  cells: number,
  early: readonly FrameRange[],
): Pick<StudyMap, 'memory' | 'shares' | 'regions' | 'early' | 'running'> {
  const { pages } = world
  const shares: Shares = { frames: new Float64Array(cells * KINDS), perCell: pages.frames / cells }
  addBlocks(shares, pages)
  addHandedOver(shares, world, early)
  return {
    memory: pages.frames * PAGE_SIZE,
    shares: Array.from({ length: cells }, (_unused, cell) => cellText(shares, cell)).join(''),
    regions: world.regions.map(inBytes),
    early: early.map(inBytes),
    running: world.running,
  }
}

const inBytes = ({ start, end }: FrameRange): { start: number; size: number } => ({
  start: start * PAGE_SIZE,
  size: (end - start) * PAGE_SIZE,
})

function add({ frames, perCell }: Shares, start: number, end: number, kind: number, sign = 1): void {
  for (let at = start; at < end;) {
    const cell = Math.floor(at / perCell)
    const until = Math.min(end, (cell + 1) * perCell)
    const index = cell * KINDS + kind
    frames[index] = (frames[index] ?? 0) + sign * (until - at)
    at = until
  }
}

function addBlocks(shares: Shares, pages: Pages): void {
  for (let at = 0; at < pages.frames;) {
    const is = pages.state[at] ?? 0
    const end = at + framesOf(blockOrder(pages, at))
    add(shares, at, end, is < USED ? KIND.free : OF_USE[useOf(pages, at)])
    at = end
  }
}

function addHandedOver(shares: Shares, { kept, pages }: World, early: readonly FrameRange[]): void {
  for (let at = 0; at < kept.length; at++) {
    const start = frameAt(pages, kept, at)
    const end = start + framesOf(kept.orders[at] ?? 0)
    add(shares, start, end, OF_USE[useOf(pages, start)], -1)
    const kind = kept.purposes[at] === PURPOSE.vm ? KIND.vm : KIND.state
    add(shares, start, end, kind)
    for (const range of early) {
      const from = Math.max(start, range.start)
      const to = Math.min(end, range.end)
      if (from >= to) continue
      add(shares, from, to, kind, -1)
      add(shares, from, to, KIND.overwritten)
    }
  }
}

/** One digit of base 36 for each kind; a kind that is there at all is at least 1. */
function cellText({ frames, perCell }: Shares, cell: number): string {
  let text = ''
  for (let kind = 0; kind < KINDS; kind++) {
    const part = (frames[cell * KINDS + kind] ?? 0) / perCell
    text += Math.min(35, Math.ceil(part * 35 - 1e-9)).toString(36)
  }
  return text
}
