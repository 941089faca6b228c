import type { FailedStep, StudyCase, StudyMap, StudyRow } from '../../shared/documents/index.ts'
import { hex, PAGE_SIZE } from '../../shared/units.ts'
import { checkPages } from '../pages/check.ts'
import { allocate } from '../pages/allocate.ts'
import { framesOf } from '../pages/frame-bits.ts'
import { freeByOrder, longestRun } from '../pages/info.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { landed, pinLongTerm } from '../pages/migrate.ts'
import { blockOrder } from '../pages/buddy.ts'
import { isPinned, NONE, setUse, useOf } from '../pages/pages.ts'
import { boot, bootFailure, earlyNeed, firstEarly } from './boot.ts'
import { frameAt, PURPOSE } from './folio-set.ts'
import { reclaim } from './memory.ts'
import { memoryMap } from './memory-map.ts'
import { takeOver, type ObservedStart } from './observed-start.ts'
import { preservedIn, sizeOf } from './parts.ts'
import type { NextKernel, Policy } from './policy.ts'
import { longestGap } from './purgatory.ts'
import { allocateMetadata, runWorkload } from './workload.ts'
import { createWorld, resetTally, type World } from './world.ts'

export interface Simulation {
  readonly study: StudyCase
  readonly policy: Policy
  readonly seed: number
  readonly generations: number
  /** Checks every invariant of the page model after each step of each generation; slow. */
  readonly check?: boolean
  /** A real guest that is generation 0. */
  readonly observed?: ObservedStart | undefined
  /** Is told what lies where just before each kexec, in `cells` pieces of memory. */
  readonly map?: { readonly cells: number; readonly on: (map: Omit<StudyMap, 'value'>) => void }
}

/** A rule of the model broke: what, where, and what to type to see it again. Never the answer to a study. */
export class PolicyBroken extends Error {
  readonly evidence: readonly string[]
  constructor(rule: string, world: World, step: string, seed: number, frame: number) {
    const page = frame === NONE ? 'no single page' : `page ${hex(frame * PAGE_SIZE)}`
    super(
      `policy ${world.design.id} broke the rule ${rule} in generation ${world.generation}, step ${step}, seed ${seed}, ${page}`,
    )
    this.name = 'PolicyBroken'
    this.evidence = [`--policies ${world.design.id} --seed ${seed} --generations ${world.generation + 1} --check`]
  }
}

/**
 * Runs one policy with one seed: boot, workload, to_kho, kexec, again and again until the generations are done or a handover
 * is not possible. One row per generation, as it ends. Throws PolicyBroken.
 */
export function* simulate({
  study,
  policy,
  seed,
  generations,
  check = false,
  observed,
  map,
}: Simulation): Generator<Omit<StudyRow, 'value'>> {
  const world = createWorld(study, policy, seed, observed)
  const step = (name: string): void => {
    const broken = check ? checkPages(world.pages) : undefined
    if (broken !== undefined) throw new PolicyBroken(broken.rule, world, name, seed, broken.frame)
  }
  let early = firstEarly(world)
  const impossible = observed === undefined ? bootFailure(world, early, 0) : undefined
  if (impossible !== undefined) {
    yield rowOf(world, policy, seed, before(world), impossible, { ok: true, early, copiedFrames: 0, running: 0 })
    return
  }
  for (; world.generation < generations; world.generation++) {
    resetTally(world.tally)
    const start = before(world)
    if (observed !== undefined && world.generation === 0) takeOver(world, observed)
    else boot(world, policy, early)
    step('boot')
    runWorkload(world)
    step('workload')
    const answer = handOver(world, policy, seed)
    step('kexec')
    const { generation } = world
    map?.on({
      policy: policy.id,
      seed,
      generation,
      ...memoryMap(world, map.cells, answer.next?.ok === true ? answer.next.early : []),
    })
    yield rowOf(world, policy, seed, start, answer.failed, answer.next)
    if (answer.failed !== undefined || answer.next?.ok !== true) return
    early = answer.next.early
    world.running = answer.next.running
  }
}

interface Handover {
  readonly failed?: FailedStep
  readonly next?: NextKernel
}

/** to_kho on everything, the tree, the next kernel's place, and the proof that nothing handed over lies in it. Throws PolicyBroken. */
export function handOver(world: World, policy: Policy, seed: number): Handover {
  preserveAll(world, policy)
  if (world.tally.refusedFolios > 0) return { failed: 'to-kho-refused' }
  if (!allocateMetadata(world)) return { failed: 'out-of-memory' }
  const next = policy.next(world)
  if (!next.ok) return { failed: next.step, next }
  const failure = bootFailure(world, next.early, world.kept.length)
  if (failure !== undefined) return { failed: failure, next }
  world.tally.copiedFrames = next.copiedFrames
  const overwritten = preservedIn(world, next.early)
  world.tally.overwrittenFrames = overwritten.frames
  if (overwritten.frames === 0) return { next }
  if (policy.sound) throw new PolicyBroken('handed-over-page-overwritten', world, 'kexec', seed, overwritten.first)
  return { failed: 'overwritten', next }
}

/** to_kho() on everything that is to last. */
function preserveAll(world: World, policy: Policy): void {
  const { kept, zonelists, tally } = world
  const zones = zonelists.kho[0] ?? []
  for (let at = 0; at < kept.length; at++) {
    if (!preserveOne(world, policy, at, zones)) tally.refusedFolios++
  }
}

function preserveOne(world: World, policy: Policy, at: number, zones: readonly number[]): boolean {
  const { kept, pages } = world
  const isVm = kept.purposes[at] === PURPOSE.vm
  const frame = frameAt(pages, kept, at)
  // memfd_pin_folios (mm/gup.c, 7.3), as preserving a memfd does.
  if (isVm && !isPinned(pages, frame) && !withReclaim(world, frame, () => typeof pinLongTerm(pages, frame, zones) === 'number'))
    return false
  const place = frameAt(pages, kept, at)
  switch (policy.toKho(world, at, place)) {
    case 'accepted':
      return true
    case 'refused':
      return false
    case 'migrate':
      return withReclaim(world, place, () => moveTo(world, at, place, zones))
  }
}

/** Once more after dropping page cache, if it failed; what cannot move for another reason fails again. */
function withReclaim(world: World, frame: number, act: () => boolean): boolean {
  return act() || (reclaim(world, 4 * framesOf(blockOrder(world.pages, frame))) > 0 && act())
}

/** What holds the folio lets go and takes the copy: its owner must help, migration alone cannot. */
function moveTo({ pages, kept }: World, at: number, frame: number, zones: readonly number[]): boolean {
  const id = kept.ids[at] ?? NONE
  const order = blockOrder(pages, frame)
  const use = useOf(pages, frame)
  const pinned = isPinned(pages, frame)
  const target = allocate(pages, order, MIGRATE.unmovable, zones, id)
  if (target === NONE) return false
  landed(pages, frame, target, order, id)
  setUse(pages, target, use, pinned)
  return true
}

interface Before {
  readonly migratedFrames: number
  readonly scanned: number
}
const before = ({ pages: { work } }: World): Before => ({ migratedFrames: work.migratedFrames, scanned: work.scanned })

/** Looking at this many frames costs as much as copying one. */
const SCANS_PER_COPY = 64

function rowOf(
  world: World,
  policy: Policy,
  seed: number,
  start: Before,
  failedStep: FailedStep | undefined,
  next: NextKernel | undefined,
): Omit<StudyRow, 'value'> {
  const { pages, kept, tally } = world
  const gap = longestGap(world)
  const migratedFrames = pages.work.migratedFrames - start.migratedFrames
  let frames = 0
  for (let at = 0; at < kept.length; at++) frames += framesOf(kept.orders[at] ?? 0)
  return {
    policy: policy.id,
    seed,
    generation: world.generation,
    possible: failedStep === undefined,
    ...(failedStep === undefined ? {} : { failedStep }),
    preservedBytes: frames * PAGE_SIZE,
    preservedFolios: kept.length,
    overwrittenFrames: tally.overwrittenFrames,
    refusedFolios: tally.refusedFolios,
    largestFree: (pages.state[0] === 0 ? 0 : longestRun(pages, 0, pages.frames, () => true).frames) * PAGE_SIZE,
    largestWithoutPreserved: (gap.end - gap.start) * PAGE_SIZE,
    copiedBytes: tally.copiedFrames * PAGE_SIZE,
    migratedFrames,
    heldBack: policy.heldBack(world) * PAGE_SIZE,
    bootAvailable: next?.ok === true ? sizeOf(next.early) * PAGE_SIZE : 0,
    bootNeeded: earlyNeed(world, kept.length) * PAGE_SIZE,
    allocationFailures: tally.allocationFailures,
    movedAddresses: movedAddresses(world),
    cost:
      tally.copiedFrames + migratedFrames + Math.round((pages.work.scanned - start.scanned) / SCANS_PER_COPY) + tally.lateTaken,
    freeByOrder: freeByOrder(pages),
  }
}

/** What is at another address for its owner afterwards: all, where the direct map moves, else what has been migrated. */
function movedAddresses({ kept, pages, study }: World): number {
  if (study.machine.randomised) return kept.length
  let moved = 0
  for (let at = 0; at < kept.length; at++) if (frameAt(pages, kept, at) !== kept.born[at]) moved++
  return moved
}
