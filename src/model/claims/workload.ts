import { isMemoryStep, type PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { byRule, claim, givenOf, kho, khoprobe, memblock, pageAlloc, unpredicted, type Prediction } from '../claim.ts'
import { nodeSpans, toRange } from '../firmware-map.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import type { PlannedStep } from '../workload/plan.ts'
import { mayLeave, type PlannedSet } from '../workload/planned-set.ts'

/** What khoprobe reports of the steps of this boot, and what it found of the boot before. Nothing without a workload. */
export function workloadClaims(boot: Boot): readonly PredictedClaim[] {
  if (!boot.experiment.workload.some((steps) => steps.some(isMemoryStep))) return []
  const { plan } = boot
  return [
    ...(plan.steps.length === 0 ? [] : [stepsClaim(boot)]),
    ...callsClaim(boot),
    ...(boot.hop === 0 ? [] : [inheritedClaim(boot)]),
    ...(boot.kho.kind === 'on' ? [leavingClaim(boot)] : []),
    ...restoreClaims(boot),
    ...marksClaim(boot),
    ...intactClaim(boot),
    ...controlClaim(boot),
  ]
}

const known = (sets: readonly PlannedSet[]): boolean => sets.every(({ unknown }) => unknown === undefined)
const why = (sets: readonly PlannedSet[]): string => sets.find(({ unknown }) => unknown !== undefined)?.unknown ?? ''
const shapeOf = ({ name, kind, entries, pages }: PlannedSet) => ({ name, kind, entries, pages })
/** With `maybe` where only the table tells whether the set came over. */
const maybe = (set: PlannedSet) => ({ ...shapeOf(set), ...(set.unknown === undefined ? {} : { maybe: true }) })

const stepsClaim = (boot: Boot): PredictedClaim =>
  claim(
    boot,
    'workload.steps',
    'What each step of the workload answers',
    khoprobe('probe_allocate', 'probe_preserve', 'probe_restore'),
    {
      value: boot.plan.steps.flatMap(({ index, text, result }) => (result === undefined ? [] : [{ index, step: text, result }])),
    },
  )

function callsClaim(boot: Boot): readonly PredictedClaim[] {
  const calls = boot.plan.steps.flatMap(({ index, step, answer }) =>
    answer === undefined ? [] : [{ index, function: step.step, answer }],
  )
  if (calls.length === 0) return []
  return [
    claim(
      boot,
      'workload.calls',
      'What functions of KHO answer that are called once too often, or with another order',
      [
        ...kho('kho_restore_page', '__kho_preserve_pages_order', 'kho_radix_add_key', 'kho_radix_del_key'),
        ...khoprobe('probe_call_restore', 'probe_call_unpreserve'),
      ],
      { value: calls },
    ),
  ]
}

/** Sets that were not preserved are not among them: they are lost. Of some only the table of the boot before tells whether they were. */
function inheritedClaim(boot: Boot): PredictedClaim {
  const { inherited } = boot.plan
  const sets = inherited.map(maybe)
  return claim(
    boot,
    'workload.inherited',
    'Sets that came over; a set that was not preserved is lost',
    [...kho('kho_retrieve_subtree', 'kho_restore_vmalloc'), ...khoprobe('probe_inherit')],
    known(inherited)
      ? { value: inherited.map(shapeOf) }
      : byRule('sets-inherited', { sets }, [givenOf(boot.hop - 1, 'workload.table')]),
  )
}

function leavingClaim(boot: Boot): PredictedClaim {
  const leaving = boot.plan.left.filter(mayLeave)
  return claim(
    boot,
    'workload.preserved',
    'Sets that this boot hands over',
    [...kho('kho_preserve_folio', 'kho_preserve_pages', 'kho_preserve_vmalloc'), ...khoprobe('write_table')],
    known(leaving) ? { value: leaving.map(shapeOf) } : offered(boot, leaving),
  )
}

/** A kernel with CONFIG_KEXEC_HANDOVER_DEBUG takes what does not lie in scratch. */
function offered(boot: Boot, leaving: readonly PlannedSet[]): Prediction {
  const decided = boot.kernel.checksScratch === true && leaving.every(({ unknown, movable }) => unknown === undefined || movable)
  if (!decided) return unpredicted(why(leaving))
  const given = [givenOf(boot.hop, 'workload.places'), givenOf(boot.hop, 'scratch.regions')]
  return byRule('sets-taken', { sets: leaving.map(maybe) }, given)
}

/** Restoring cannot fail once: also of a set that may have come over, if it has. */
const restoredSteps = ({ steps, inherited }: Boot['plan']): readonly PlannedStep[] =>
  steps.filter(({ index, step, result }) => {
    if (step.step !== 'restore') return false
    const open = result === undefined && inherited.some(({ name, unknown }) => name === step.name && unknown !== undefined)
    const first = steps.find((other) => other.step.step === 'restore' && other.step.name === step.name)
    return result === 'ok' || (open && first?.index === index)
  })

function restoreClaims(boot: Boot): readonly PredictedClaim[] {
  const { previous, plan } = boot
  const restored = restoredSteps(plan)
  if (previous === undefined || restored.length === 0) return []
  const inputs = {
    sets: restored.flatMap(({ index, set }) => (set === undefined ? [] : [{ index, ...maybe(set) }])),
    nodes: nodeSpans(boot.experiment.machine).map((spans) => spans.map(toRange)),
  }
  const table = givenOf(previous.hop, 'workload.table')
  const basis = [...kho('kho_restore_page', 'kho_init_folio', 'kho_restore_vmalloc'), ...khoprobe('probe_restore')]
  return [
    claim(
      boot,
      'workload.restored',
      'What restoring gives back: every entry, as it was, and its pages managed again',
      [...basis, ...pageAlloc('adjust_managed_page_count')],
      byRule('sets-restored', inputs, [table]),
    ),
    claim(
      boot,
      'workload.entries',
      'Address, order, compound state, reference count and node of each entry',
      [...basis, ...pageAlloc('prep_compound_page')],
      boot.memoryUnknown === undefined ? byRule('entries-restored', inputs, [table]) : unpredicted(boot.memoryUnknown),
    ),
    claim(
      boot,
      'workload.kva',
      'Entries whose kernel virtual address stayed the same',
      [{ function: 'kernel_randomize_memory', file: 'arch/x86/mm/kaslr.c', release: '7.3' }],
      byRule('addresses-kept', inputs, [table, givenOf(boot.hop, 'kernel.addressSpace')]),
    ),
  ]
}

/** Of sets that came over, those that are still held; a set that was put is free memory, of which nothing is said. */
function marksClaim(boot: Boot): readonly PredictedClaim[] {
  const { inherited, left, steps } = boot.plan
  if (inherited.length === 0 || boot.kernel.build === undefined) return []
  const again = new Set(steps.flatMap(({ step, result }) => (step.step === 'allocate' && result === 'ok' ? [step.name] : [])))
  const held = inherited.flatMap(({ name }) => left.filter((set) => set.name === name && isHeld(set) && !again.has(name)))
  return [
    claim(
      boot,
      'workload.marks',
      'Sets that were taken back: no entry has the mark of KHO any more, and each has one reference',
      [...kho('kho_restore_page', 'kho_init_folio', 'kho_init_pages'), ...khoprobe('probe_restore')],
      known(inherited)
        ? { value: held.map(({ name, entries }) => ({ name, entries, marked: 0, referencedOnce: entries })) }
        : unpredicted(why(inherited)),
    ),
  ]
}

const isHeld = ({ state }: PlannedSet): boolean => state === 'restored' || state === 'preserved'

function intactClaim(boot: Boot): readonly PredictedClaim[] {
  const verified = boot.plan.steps.filter(({ step, result }) => step.step === 'verify' && result === 'ok')
  if (verified.length === 0) return []
  return [
    claim(
      boot,
      'workload.intact',
      'Pages that hold the pattern they were filled with',
      [...kho('kho_preserved_memory_reserve', 'kho_restore_page'), ...khoprobe('probe_verify')],
      { value: verified.flatMap(({ index, set }) => (set === undefined ? [] : [{ index, name: set.name, pages: set.pages }])) },
    ),
  ]
}

/**
 * Free memory is written to as soon as something needs memory: of a quarter of RAM some is, though which part is not said, and a
 * smaller set may be lucky.
 */
function controlClaim(boot: Boot): readonly PredictedClaim[] {
  const loose =
    boot.previous?.plan.left.filter(
      ({ state, kind, unknown }) => (state === 'allocated' || state === 'restored') && kind === 'folio' && unknown === undefined,
    ) ?? []
  const pages = loose.reduce((sum, set) => sum + set.pages, 0)
  if (pages * PAGE_SIZE < boot.experiment.machine.memory / 4) return []
  return [
    claim(
      boot,
      'workload.control',
      'Pages that nothing preserves do not all stay as they were: the check can fail',
      memblock('memblock_free_all'),
      { value: { sets: loose.map(({ name }) => name), overwritten: true } },
    ),
  ]
}
