import { stepText, type MemoryStep } from '../../shared/documents/index.ts'

type AllocateStep = Extract<MemoryStep, { readonly step: 'allocate' }>

export interface PlannedSet {
  readonly name: string
  readonly kind: AllocateStep['kind']
  readonly entries: number
  readonly pages: number
  readonly huge: boolean
  readonly state: 'allocated' | 'preserved' | 'inherited' | 'restored'
  /** Why it is not known what became of it: then nothing is said of it. */
  readonly unknown?: string
}

export interface PlannedStep {
  readonly index: number
  readonly text: string
  readonly step: MemoryStep
  /** An errno's name or ok; absent when that is the guest's choice. */
  readonly result?: string
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
  /** Something was taken back from KHO, or may have been because KHO refused the rest: its nodes of the radix tree stay, empty. */
  readonly withdrawn: boolean
}

/** PROBE_MAX_SETS of qemu-images/khoprobe/khoprobe.h. */
const MAX_SETS = 31
const MOVABLE =
  'movable pages may lie in scratch, which is CMA; kho_preserve_folio() refuses those, and which they are is the guest’s choice'

/**
 * The plan of one boot. `handed`: the sets of the boot before that go over; empty where there is no handover. `khoEnabled`: this
 * boot can preserve. The rules are those of qemu-images/khoprobe (set.c, handover.c, restore.c).
 */
export function planBoot(steps: readonly MemoryStep[], handed: readonly PlannedSet[], khoEnabled: boolean): BootPlan {
  const inherited = handed.map((set): PlannedSet => ({ ...set, state: 'inherited' }))
  const sets = new Map(inherited.map((set) => [set.name, set]))
  let table = false
  const planned = steps.map((step, index): PlannedStep => {
    const { result, set } = carryOut(step, sets, khoEnabled)
    table ||= step.step === 'preserve' && khoEnabled && (result === undefined || result === 'ok')
    return {
      index,
      text: stepText(step),
      step,
      ...(result === undefined ? {} : { result }),
      ...(set === undefined ? {} : { set }),
    }
  })
  const withdrawn = planned.some(
    ({ step, result }) =>
      (step.step === 'unpreserve' && (result ?? 'ok') === 'ok') || (step.step === 'preserve' && result === undefined),
  )
  return { inherited, steps: planned, left: [...sets.values()], table, withdrawn }
}

interface Outcome {
  readonly result: string | undefined
  readonly set?: PlannedSet | undefined
}

function carryOut(step: MemoryStep, sets: Map<string, PlannedSet>, khoEnabled: boolean): Outcome {
  switch (step.step) {
    case 'allocate':
      return allocate(step, sets)
    case 'churn':
    case 'wait':
      return { result: 'ok' }
    case 'preserve':
    case 'unpreserve':
    case 'free':
    case 'restore':
    case 'verify':
    case 'put': {
      const set = sets.get(step.name)
      if (set === undefined) return { result: 'ENOENT' }
      if (set.unknown !== undefined) return { result: undefined, set }
      return onSet(step.step, set, sets, khoEnabled)
    }
  }
}

function allocate(step: AllocateStep, sets: Map<string, PlannedSet>): Outcome {
  const there = sets.get(step.name)
  if (there !== undefined) return there.unknown === undefined ? { result: 'EEXIST' } : { result: undefined, set: there }
  if (sets.size >= MAX_SETS) return [...sets.values()].some(isUnknown) ? { result: undefined } : { result: 'ENOSPC' }
  const folios = step.kind === 'folio'
  const set: PlannedSet = {
    name: step.name,
    kind: step.kind,
    entries: folios ? step.orders.length * step.count : step.pages,
    pages: folios ? step.orders.reduce((sum, order) => sum + step.count * 2 ** order, 0) : step.pages,
    huge: step.huge,
    state: 'allocated',
  }
  sets.set(step.name, set)
  if (step.movable) sets.set(step.name, { ...set, unknown: MOVABLE })
  return { result: 'ok', set }
}

const isUnknown = ({ unknown }: PlannedSet): boolean => unknown !== undefined

type Verb = Exclude<MemoryStep['step'], 'allocate' | 'churn' | 'wait'>

function onSet(verb: Verb, set: PlannedSet, sets: Map<string, PlannedSet>, khoEnabled: boolean): Outcome {
  const become = (state: PlannedSet['state']): Outcome => {
    const changed = { ...set, state }
    sets.set(set.name, changed)
    return { result: 'ok', set: changed }
  }
  const gone = (): Outcome => {
    sets.delete(set.name)
    return { result: 'ok' }
  }
  const { state } = set
  switch (verb) {
    case 'preserve':
      if (!khoEnabled) return { result: 'EOPNOTSUPP' }
      if (state === 'preserved') return { result: 'EALREADY' }
      return state === 'inherited' ? { result: 'EBUSY' } : become('preserved')
    case 'unpreserve':
      return state === 'preserved' ? become('allocated') : { result: 'EINVAL' }
    case 'free':
      return state === 'preserved' || state === 'inherited' ? { result: 'EBUSY' } : gone()
    case 'restore':
      if (state === 'inherited') return become('restored')
      return { result: state === 'restored' ? 'EALREADY' : 'EINVAL' }
    case 'verify':
      return state === 'inherited' ? { result: 'EBUSY' } : { result: 'ok', set }
    case 'put':
      return state === 'restored' ? gone() : { result: 'EINVAL' }
  }
}
