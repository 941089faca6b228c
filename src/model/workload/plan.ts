import { stepText, type MemoryStep } from '../../shared/documents/index.ts'
import { call } from './calls.ts'
import { orderOf, type LooseRecord, type Outcome, type PlannedSet, type ProbeKernel, type ProbeState } from './planned-set.ts'

type AllocateStep = Extract<MemoryStep, { readonly step: 'allocate' }>

export interface PlannedStep {
  readonly index: number
  readonly text: string
  readonly step: MemoryStep
  /** An errno's name or ok; absent when that is the guest's choice. */
  readonly result?: string
  /** What a function of KHO answers that was called for one entry. */
  readonly answer?: string
  /** The set that the step is about, as the step leaves it. */
  readonly set?: PlannedSet
}

/** What khoprobe does in one boot, as far as that follows from the experiment. */
export interface BootPlan {
  /** Sets that khoprobe finds, in the order of the table. */
  readonly inherited: readonly PlannedSet[]
  readonly steps: readonly PlannedStep[]
  /** Sets at the end. */
  readonly left: readonly PlannedSet[]
  /** The table exists from the first set that is preserved, to the end of the boot. */
  readonly table: boolean
  /** A set was taken back from KHO, or may have been because KHO refused the rest: its nodes of the radix tree stay, empty. */
  readonly withdrawn: boolean
  /** Records that no set has, by the steps that made them. */
  readonly loose: readonly LooseRecord[]
  /** Such records that were taken back: their nodes of the tree stay. */
  readonly emptied: readonly LooseRecord[]
}

/** PROBE_MAX_SETS of qemu-images/khoprobe/khoprobe.h. */
const MAX_SETS = 31
const NO_CONFIG =
  'the configuration of this kernel is not known: khoprobe takes no range inside scratch without KEXEC_HANDOVER_DEBUG'
const MOVABLE =
  'movable pages may lie in scratch, which is CMA; kho_preserve_folio() refuses those, and which they are is the guest’s choice'

/**
 * The plan of one boot. `handed`: the sets of the boot before that go over; empty where there is no handover. The rules are those
 * of qemu-images/khoprobe (set.c, handover.c, restore.c, call.c).
 */
export function planBoot(steps: readonly MemoryStep[], handed: readonly PlannedSet[], kernel: ProbeKernel): BootPlan {
  const inherited = handed.map(({ offered: _before, ...set }): PlannedSet => ({ ...set, state: 'inherited' }))
  const state: ProbeState = {
    sets: new Map(inherited.map((set) => [set.name, set])),
    loose: [],
    emptied: [],
    table: false,
    withdrawn: false,
  }
  const planned = steps.map((step, index): PlannedStep => {
    const { result, set, answer } = carryOut(step, index, state, kernel)
    const takenBack = step.step === 'unpreserve' && (result ?? 'ok') === 'ok'
    state.withdrawn ||= takenBack || (step.step === 'preserve' && result === undefined)
    return {
      index,
      text: stepText(step),
      step,
      ...(result === undefined ? {} : { result }),
      ...(answer === undefined ? {} : { answer }),
      ...(set === undefined ? {} : { set }),
    }
  })
  const { sets, ...rest } = state
  return { inherited, steps: planned, left: [...sets.values()], ...rest }
}

function carryOut(step: MemoryStep, index: number, state: ProbeState, kernel: ProbeKernel): Outcome {
  switch (step.step) {
    case 'allocate':
      return allocate(step, state.sets, kernel)
    case 'churn':
    case 'wait':
      return { result: 'ok' }
    case 'preserve':
    case 'unpreserve':
    case 'free':
    case 'restore':
    case 'verify':
    case 'put': {
      const set = state.sets.get(step.name)
      if (set === undefined) return { result: 'ENOENT' }
      if (step.step === 'preserve') return preserve(set, state, kernel)
      return set.unknown === undefined ? onSet(step.step, set, state) : onUnknown(step.step, set, state)
    }
    case 'kho_restore_folio':
    case 'kho_preserve_pages':
    case 'kho_unpreserve_pages':
      return call(step, index, state, kernel)
  }
}

function allocate(step: AllocateStep, sets: Map<string, PlannedSet>, kernel: ProbeKernel): Outcome {
  const { scratch } = step
  if (scratch !== undefined && (!kernel.kho || scratch >= kernel.scratchRegions)) return { result: 'ENOENT' }
  if (step.node !== undefined && kernel.nodesWithMemory?.includes(step.node) === false) return { result: 'ENODEV' }
  const there = sets.get(step.name)
  if (there !== undefined) return there.unknown === undefined ? { result: 'EEXIST' } : { result: undefined, set: there }
  if (sets.size >= MAX_SETS) return [...sets.values()].some(isUnknown) ? { result: undefined } : { result: 'ENOSPC' }
  if (scratch !== undefined && kernel.checksScratch === false) return { result: 'EOPNOTSUPP' }
  const folios = step.kind === 'folio'
  const set: PlannedSet = {
    name: step.name,
    kind: step.kind,
    entries: folios ? step.orders.length * step.count : step.pages,
    pages: folios ? step.orders.reduce((sum, order) => sum + step.count * 2 ** order, 0) : step.pages,
    orders: step.orders,
    huge: step.huge,
    ...(step.movable ? { movable: true } : {}),
    ...(scratch === undefined ? {} : { inScratch: true }),
    state: 'allocated',
  }
  if (scratch !== undefined && kernel.checksScratch === undefined) {
    sets.set(step.name, { ...set, unknown: NO_CONFIG })
    return { result: undefined }
  }
  sets.set(step.name, set)
  return { result: 'ok', set }
}

const isUnknown = ({ unknown }: PlannedSet): boolean => unknown !== undefined

function become(set: PlannedSet, state: PlannedSet['state'], sets: Map<string, PlannedSet>): Outcome {
  const changed = { ...set, state }
  sets.set(set.name, changed)
  return { result: 'ok', set: changed }
}

/** khoprobe makes its table before it asks KHO, so there is one also when KHO refuses. */
function preserve(set: PlannedSet, state: ProbeState, { kho }: ProbeKernel): Outcome {
  if (!kho) return { result: 'EOPNOTSUPP' }
  const { unknown = set.movable === true ? MOVABLE : undefined } = set
  if (set.unknown === undefined) {
    if (set.state === 'preserved') return { result: 'EALREADY' }
    if (set.state === 'inherited') return { result: 'EBUSY' }
  }
  state.table = true
  if (unknown !== undefined) {
    const offered = { ...set, unknown, offered: true }
    state.sets.set(set.name, offered)
    return { result: undefined, set: offered }
  }
  return set.inScratch === true ? { result: 'EINVAL' } : become(set, 'preserved', state.sets)
}

/** Whether it was preserved or not, after this it is not. */
function onUnknown(verb: Verb, set: PlannedSet, { sets }: ProbeState): Outcome {
  const { offered: _before, ...withdrawn } = set
  const now = verb === 'unpreserve' ? withdrawn : set
  sets.set(set.name, now)
  return { result: undefined, set: now }
}

type Verb = 'unpreserve' | 'free' | 'restore' | 'verify' | 'put'

function onSet(verb: Verb, set: PlannedSet, probe: ProbeState): Outcome {
  const { sets } = probe
  const gone = (): Outcome => {
    sets.delete(set.name)
    probe.loose = probe.loose.map((record) => (record.name === set.name ? { ...record, freed: true } : record))
    return { result: 'ok' }
  }
  const { state } = set
  switch (verb) {
    case 'unpreserve':
      if (state !== 'preserved') return { result: 'EINVAL' }
      // A record that a set and a call both made is one.
      probe.loose = probe.loose.filter(
        (record) => record.freed || record.name !== set.name || record.order !== orderOf(set, record.entry),
      )
      return become(set, 'allocated', sets)
    case 'free':
      return state === 'preserved' || state === 'inherited' ? { result: 'EBUSY' } : gone()
    case 'restore':
      if (state === 'inherited') return become(set, 'restored', sets)
      return { result: state === 'restored' ? 'EALREADY' : 'EINVAL' }
    case 'verify':
      return state === 'inherited' ? { result: 'EBUSY' } : { result: 'ok', set }
    case 'put':
      return state === 'restored' ? gone() : { result: 'EINVAL' }
  }
}
