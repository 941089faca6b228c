import type { StudyCase } from '../../shared/documents/index.ts'
import { MiB, PAGE_SIZE } from '../../shared/units.ts'
import { MAX_ORDER_FRAMES } from '../pages/frame-bits.ts'
import { createPages, type Pages } from '../pages/pages.ts'
import type { FrameRange } from '../pages/populate.ts'
import type { Zonelist } from '../pages/allocate.ts'
import type { Design } from './design.ts'
import { createFolioSet, type FolioSet } from './folio-set.ts'
import type { ObservedStart } from './observed-start.ts'
import { createRandom, type Random } from './random.ts'

/** Zone lists per node, by what is asked for. `kho` is what GFP_KHO, or a long-term pin, is given. */
export interface Zonelists {
  readonly unmovable: readonly Zonelist[]
  readonly movable: readonly Zonelist[]
  readonly kho: readonly Zonelist[]
}

/** What one generation did, counted as it goes. */
export interface Tally {
  refusedFolios: number
  allocationFailures: number
  movedAddresses: number
  overwrittenFrames: number
  copiedFrames: number
  /** Pages taken one by one because memory was added after boot. */
  lateTaken: number
}

/** One machine under one design: the pages, what runs in them, and what will be handed over. */
export interface World {
  readonly study: StudyCase
  readonly design: Design
  readonly pages: Pages
  readonly random: Random
  /** Boot regions: A and B, or the scratch region, or none. */
  readonly regions: readonly FrameRange[]
  /** Frames of ZONE_DMA32. */
  readonly dma32: number
  /** Index of the region in which this kernel was booted. */
  running: number
  generation: number
  zonelists: Zonelists
  /** Candidates for the handover. */
  readonly kept: FolioSet
  /** Ids of page cache and anonymous memory, and of slab. */
  readonly cache: Pool
  readonly slab: Pool
  readonly tally: Tally
}

/** A bag of folio ids with quick removal of any. */
export interface Pool {
  ids: Int32Array
  length: number
  frames: number
}

export const createPool = (): Pool => ({ ids: new Int32Array(4096), length: 0, frames: 0 })

export function addToPool(pool: Pool, id: number): void {
  if (pool.length === pool.ids.length) {
    const wider = new Int32Array(pool.ids.length * 2)
    wider.set(pool.ids)
    pool.ids = wider
  }
  pool.ids[pool.length++] = id
}

/** Takes the id at this position out of the pool and answers it. */
export function takeFromPool(pool: Pool, at: number): number {
  const id = pool.ids[at] ?? -1
  pool.ids[at] = pool.ids[--pool.length] ?? -1
  return id
}

const NO_ZONELISTS: Zonelists = { unmovable: [], movable: [], kho: [] }

export function createWorld(study: StudyCase, design: Design, seed: number, observed?: ObservedStart): World {
  const frames = study.machine.memory / PAGE_SIZE
  // The designs of today's kernel keep the scratch that the guest has.
  const regions = observed !== undefined && design.regions === 1 ? observed.scratch : placeRegions(study, design)
  return {
    study,
    design,
    pages: createPages(frames, study.machine.nodes),
    random: createRandom(seed),
    regions,
    dma32: observed?.dma32 ?? dma32Frames(frames, study.machine.nodes),
    running: 0,
    generation: 0,
    zonelists: NO_ZONELISTS,
    kept: createFolioSet(),
    cache: createPool(),
    slab: createPool(),
    tally: freshTally(),
  }
}

const freshTally = (): Tally => ({
  refusedFolios: 0,
  allocationFailures: 0,
  movedAddresses: 0,
  overwrittenFrames: 0,
  copiedFrames: 0,
  lateTaken: 0,
})
export const resetTally = (tally: Tally): void => void Object.assign(tally, freshTally())

/** struct page on x86-64 (include/linux/mm_types.h, 7.3). */
const PAGE_STRUCT = 64

/** Frames of early memory that a kernel needs; `mapped` frames have their memory map in it. */
export function bootNeed({ boot }: StudyCase, mapped: number, folios: number): number {
  return Math.ceil((boot.image + boot.footprint + mapped * PAGE_STRUCT + folios * boot.perFolio) / PAGE_SIZE)
}

/** Size of a boot region in frames: given, or twice the first boot's need (scratch_size_update, kernel/liveupdate/kexec_handover.c, 7.3). */
export function regionFrames(study: StudyCase, design: Design): number {
  const given = study.boot.region
  if (given !== 'auto') return given / PAGE_SIZE
  const whole = study.machine.memory / PAGE_SIZE
  const early = bootNeed(study, design.restComesLate ? 0 : whole, 0)
  // What comes late needs no memory map early, but the region itself does.
  const frames = 2 * (design.restComesLate ? early + Math.ceil((early * 2) / 64) : early)
  return Math.ceil(frames / MAX_ORDER_FRAMES) * MAX_ORDER_FRAMES
}

/** DMA32 ends here on x86-64; a machine with less memory has no other zone worth the name. */
const DMA32_END = 2 ** 32 / PAGE_SIZE

const dma32Frames = (frames: number, nodes: number): number => (frames > DMA32_END ? Math.min(DMA32_END, frames / nodes) : 0)

/** Regions in ZONE_NORMAL of node 0, a quarter into it and one after the other, lower where they would not fit. */
function placeRegions(study: StudyCase, design: Design): FrameRange[] {
  const size = regionFrames(study, design)
  const frames = study.machine.memory / PAGE_SIZE
  const perNode = frames / study.machine.nodes
  const low = dma32Frames(frames, study.machine.nodes)
  const wished = Math.min(low + (perNode - low) / 4, perNode - design.regions * size)
  const first = Math.floor(wished / MAX_ORDER_FRAMES) * MAX_ORDER_FRAMES
  return Array.from({ length: design.regions }, (_unused, index) => ({
    start: first + index * size,
    end: first + (index + 1) * size,
  }))
}

/** Why this design's boot regions do not fit into the machine; undefined when they do. */
export function regionProblem(study: StudyCase, design: Design): string | undefined {
  const size = regionFrames(study, design)
  const perNode = study.machine.memory / PAGE_SIZE / study.machine.nodes
  if (design.regions === 0 || design.regions * size <= perNode / 2) return undefined
  return `${design.id} sets ${design.regions} regions of ${(size * PAGE_SIZE) / MiB} MiB aside, more than half of node 0`
}

export const inRanges = (ranges: readonly FrameRange[], frame: number): boolean =>
  ranges.some(({ start, end }) => frame >= start && frame < end)
