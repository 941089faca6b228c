import type { FailedStep } from '../../shared/documents/index.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import { markUsed } from '../pages/buddy.ts'
import { allocate } from '../pages/allocate.ts'
import { framesOf, PAGEBLOCK_ORDER } from '../pages/frame-bits.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { clearPages, NONE, setPinned, USE, ZONE, ZONES_PER_NODE } from '../pages/pages.ts'
import { freeRange, placeRange, reserveRange, setWatermarks, zonelist, type FrameRange } from '../pages/populate.ts'
import { folioOfKey, frameAt, PURPOSE, removeFolio, sortedFolios } from './folio-set.ts'
import { imageFrames, ORDINARY_ZONES, sizeOf } from './parts.ts'
import type { ZoneKinds } from './design.ts'
import type { Policy } from './policy.ts'
import { bootNeed, type World, type Zonelists } from './world.ts'
import { allocateAtBoot } from './workload.ts'
import { giveBack } from './memory.ts'

/**
 * A kernel starts with nothing but `early` memory and what was handed over to it: takes its boot memory, then all the rest.
 * `policy` is that of the world; `early` has room for {@link earlyNeed}, and no handed-over page in it.
 */
export function boot(world: World, policy: Policy, early: readonly FrameRange[]): void {
  const { pages } = world
  const frames = handedOver(world)
  clearPages(pages)
  world.cache.length = world.cache.frames = world.slab.length = world.slab.frames = 0
  placeZones(world)
  const taken = bootMemory(world, early)
  for (const range of taken) reserveRange(pages, range)
  restore(world, frames)
  const busy: Busy = { folios: sortedFolios(pages, world.kept), taken: taken.sort((a, b) => a.start - b.start) }
  const whole = { start: 0, end: pages.frames }
  const home = policy.restComesLate ? world.regions[world.running] : undefined
  world.zonelists = makeZonelists(world, WHILE_BOOTING)
  if (home === undefined) {
    freeGaps(world, busy, whole)
    setWatermarks(pages)
    allocateAtBoot(world)
  } else {
    freeGaps(world, busy, home)
    allocateAtBoot(world)
    freeGaps(world, busy, { start: 0, end: home.start })
    freeGaps(world, busy, { start: home.end, end: whole.end })
    setWatermarks(pages)
    world.tally.lateTaken += world.kept.length
    lateMemoryMap(world)
  }
  policy.settle(world)
  setWatermarks(pages)
  world.zonelists = makeZonelists(world, policy.zones)
  dropMetadata(world)
}

/** Until the region has become what the policy makes of it, it is Normal memory. */
const WHILE_BOOTING: ZoneKinds = { ...ORDINARY_ZONES, unmovable: [ZONE.normal, ZONE.region, ZONE.dma32] }

/** Frames that the next kernel needs before it has all memory, if `folios` are handed over. */
export function earlyNeed(world: World, folios: number): number {
  const { study, design, pages, regions } = world
  const mapped = design.restComesLate ? (regions[0]?.end ?? 0) - (regions[0]?.start ?? 0) : pages.frames
  return bootNeed(study, mapped, folios)
}

/** Why a kernel that is handed `folios` cannot boot in this early memory; undefined when it can. */
export function bootFailure(world: World, early: readonly FrameRange[], folios: number): FailedStep | undefined {
  if (!early.some(({ start, end }) => end - start >= imageFrames(world))) return 'no-linear-destination'
  return sizeOf(early) < earlyNeed(world, folios) ? 'boot-memory' : undefined
}

/** Frames of everything kept, by position: ids end with the kernel that gave them. */
function handedOver({ kept, pages }: World): Int32Array {
  const frames = new Int32Array(kept.length)
  for (let at = 0; at < kept.length; at++) frames[at] = frameAt(pages, kept, at)
  return frames
}

function placeZones(world: World): void {
  const { pages, design, regions, study } = world
  const perNode = pages.frames / study.machine.nodes
  for (let node = 0; node < study.machine.nodes; node++) {
    const dma32 = node === 0 ? world.dma32 : 0
    const borders = regions
      .flatMap(({ start, end }) => [start, end])
      .filter((at) => at > node * perNode && at < (node + 1) * perNode)
    const edges = [...new Set([node * perNode, node * perNode + dma32, ...borders, (node + 1) * perNode])].sort((a, b) => a - b)
    for (const [index, start] of edges.entries()) {
      const end = edges[index + 1]
      if (end === undefined) break
      const region = regions.findIndex((range) => start >= range.start && start < range.end)
      const kind = region < 0 ? { zone: ZONE.normal, type: MIGRATE.movable } : design.region(region, world.running)
      const zone = kind.zone === ZONE.normal && start < node * perNode + dma32 ? ZONE.dma32 : kind.zone
      placeRange(pages, { start, end }, node * ZONES_PER_NODE + zone, kind.type)
    }
  }
}

/** The image at the bottom of the longest early range; everything else from the top down, as memblock_alloc does (mm/memblock.c, 7.3). */
function bootMemory(world: World, early: readonly FrameRange[]): FrameRange[] {
  const image = imageFrames(world)
  const largest = early.reduce((best, range) => (range.end - range.start > best.end - best.start ? range : best), {
    start: 0,
    end: 0,
  })
  if (largest.end - largest.start < image) throw new RangeError('the image does not fit into early memory')
  const taken = [{ start: largest.start, end: largest.start + image }]
  let missing = earlyNeed(world, world.kept.length) - image
  for (const range of [...early].sort((a, b) => b.start - a.start)) {
    const bottom = range.start === largest.start ? range.start + image : range.start
    const frames = Math.min(missing, range.end - bottom)
    if (frames > 0) taken.push({ start: range.end - frames, end: range.end })
    missing -= frames
  }
  if (missing > 0) throw new RangeError(`${missing} frames too few of early memory`)
  return taken
}

/** from_kho: every folio again as it was, order, use and place, with the reference that its new owner holds. */
function restore({ kept, pages }: World, frames: Int32Array): void {
  for (let at = 0; at < kept.length; at++) {
    const frame = frames[at] ?? NONE
    const id = pages.folios.add(frame)
    kept.ids[at] = id
    kept.born[at] = frame
    const isVm = kept.purposes[at] === PURPOSE.vm
    markUsed(pages, frame, kept.orders[at] ?? 0, isVm ? USE.movable : USE.unmovable, id)
    if (isVm) setPinned(pages, frame, true)
  }
}

/** What memory is not to be freed: folios handed over, and the few ranges that booting took, both by frame. */
interface Busy {
  readonly folios: Float64Array
  readonly taken: readonly FrameRange[]
}

/** Frees what lies in the window and is not busy. */
function freeGaps({ pages }: World, { folios, taken }: Busy, window: FrameRange): void {
  let from = window.start
  const freeUpTo = (until: number): void => {
    for (const { start, end } of taken) {
      if (end <= from || start >= until) continue
      if (start > from) freeRange(pages, { start: from, end: start })
      from = end
    }
    if (from < until) freeRange(pages, { start: from, end: until })
  }
  for (const key of folios) {
    const { frame, order } = folioOfKey(key)
    const end = frame + framesOf(order)
    if (end <= from) continue
    if (frame >= window.end) break
    freeUpTo(frame)
    from = Math.max(from, end)
  }
  freeUpTo(window.end)
}

/** For every node, the zones that a policy lets each kind of request use. */
export function makeZonelists({ pages, study }: World, zones: ZoneKinds): Zonelists {
  const perNode = (kinds: readonly number[]): (readonly number[])[] =>
    Array.from({ length: study.machine.nodes }, (_unused, node) => zonelist(pages, node, kinds))
  return { unmovable: perNode(zones.unmovable), movable: perNode(zones.movable), kho: perNode(zones.kho) }
}

/** struct pages of the memory that was added after boot, out of that memory itself. */
function lateMemoryMap({ pages, zonelists, tally }: World): void {
  const size = framesOf(PAGEBLOCK_ORDER)
  for (let mapped = 0; mapped < pages.frames; mapped += size * (PAGE_SIZE / 64)) {
    if (allocate(pages, PAGEBLOCK_ORDER, MIGRATE.unmovable, zonelists.kho[0] ?? []) === NONE) tally.allocationFailures++
  }
}

/** The tree that said what was handed over has been read. */
function dropMetadata(world: World): void {
  const { kept } = world
  for (let at = kept.length - 1; at >= 0; at--) {
    if (kept.purposes[at] !== PURPOSE.metadata) continue
    giveBack(world, kept.ids[at] ?? NONE)
    removeFolio(kept, at)
  }
}

/** Where the very first kernel boots: in A, or anywhere but scratch. */
export function firstEarly(world: World): readonly FrameRange[] {
  const { regions, design, pages } = world
  const first = regions[0]
  if (first === undefined) return [{ start: 0, end: pages.frames }]
  if (design.regions === 2) return [first]
  return [
    { start: 0, end: first.start },
    { start: first.end, end: pages.frames },
  ]
}
