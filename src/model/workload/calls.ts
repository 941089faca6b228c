import type { CallStep } from '../../shared/documents/index.ts'
import { orderOf, type LooseRecord, type Outcome, type PlannedSet, type ProbeKernel, type ProbeState } from './planned-set.ts'

/**
 * A function of KHO, called for an entry of a set (qemu-images/khoprobe/call.c). kho_restore_page() (7.3) cleared page->private when
 * it gave the page out, and nothing else marks a page, so it answers NULL. kho_radix_del_key() clears the bit of the order that it
 * is asked for, and says nothing when another was set: the record stays.
 */
export function call(step: CallStep, index: number, state: ProbeState, { kho }: ProbeKernel): Outcome {
  const set = state.sets.get(step.name)
  if (set === undefined) return { result: 'ENOENT' }
  if (set.unknown !== undefined) return { result: undefined }
  if (step.entry >= set.entries) return { result: 'ERANGE' }
  if (set.state === 'inherited') return { result: 'EBUSY' }
  if (step.step === 'kho_restore_folio') return { result: 'ok', answer: 'NULL' }
  if (!kho) return { result: 'EOPNOTSUPP' }
  if (set.kind !== 'folio') return { result: 'EINVAL' }
  const order = orderOf(set, step.entry)
  return step.step === 'kho_preserve_pages'
    ? preservePages(step, index, { set, order, state })
    : unpreservePages(step, { set, order, state })
}

interface Entry {
  readonly set: PlannedSet
  readonly order: number
  readonly state: ProbeState
}

function preservePages({ name, entry, order }: CallStep, index: number, { set, order: own, state }: Entry): Outcome {
  if (set.state === 'preserved') return { result: 'EBUSY' }
  if (order > own) return { result: 'EINVAL' }
  if (!state.loose.some((record) => same(record, { name, entry, order })))
    state.loose = [...state.loose, { name, entry, order, index, freed: false }]
  // Movable pages may lie in scratch, where KHO refuses them.
  return set.movable === true ? { result: undefined } : { result: 'ok', answer: '0' }
}

function unpreservePages({ name, entry, order }: CallStep, { set, order: natural, state }: Entry): Outcome {
  if (set.state === 'preserved' && order === natural) return { result: 'EBUSY' }
  // Whether a larger block begins at this page is the guest's choice; no record of one does.
  if (order > natural) return { result: undefined }
  const own = state.loose.filter((record) => same(record, { name, entry, order }))
  state.loose = state.loose.filter((record) => !own.includes(record))
  state.emptied = [...state.emptied, ...own]
  return { result: 'ok', answer: 'void' }
}

const same = (record: LooseRecord, { name, entry, order }: Pick<LooseRecord, 'name' | 'entry' | 'order'>): boolean =>
  !record.freed && record.name === name && record.entry === entry && record.order === order
