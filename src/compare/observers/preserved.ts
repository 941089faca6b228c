import type { HostView, PreservedRecord } from '../../shared/documents/index.ts'
import type { SubjectValues } from '../../shared/documents/subjects.ts'
import { recordsIn } from '../../abi/record-list.ts'
import { canonicalJson } from '../../shared/json.ts'
import { fromHex } from '../../shared/units.ts'
import { from, host, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'

const NO_RADIX_IN_DEBUGFS = 'debugfs does not show the radix tree'
/** KHO_TREE_MAX_DEPTH, include/linux/kho/abi/kexec_handover.h, 7.3. */
const TOP_LEVEL = 5

/** All records, sorted by start and then order; nothing when the walk or what was kept of it is incomplete. */
export function allRecords(view: HostView): Look<PreservedRecord[]> {
  return from(view.outRadix, 'the radix tree in RAM', (radix) => {
    if (!radix.complete) return unobserved('the walk of the radix tree was not complete')
    if (recordsIn(radix.records) !== radix.recordCount) {
      return unobserved(`the ${radix.recordCount} preserved records lie too scattered to be kept`)
    }
    return value(byStart(radix.records))
  })
}

export const byStart = <T extends PreservedRecord>(records: readonly T[]): T[] =>
  [...records].sort((a, b) => fromHex(a.start) - fromHex(b.start) || a.order - b.order)

export const preservedObservers: ObserversOf<'preserved.records' | 'preserved.radix'> = {
  'preserved.records': { guest: never(NO_RADIX_IN_DEBUGFS), host: host(allRecords) },
  'preserved.radix': { guest: never(NO_RADIX_IN_DEBUGFS), host: host(radixOf) },
}

function radixOf(view: HostView): Look<SubjectValues['preserved.radix']> {
  return from(view.outRadix, 'the radix tree in RAM', (radix) => {
    if (!radix.complete) return unobserved('the walk of the radix tree was not complete')
    if (radix.nodes.length !== radix.nodeCount)
      return unobserved(`only ${radix.nodes.length} of ${radix.nodeCount} nodes were kept`)
    const levels = Array.from({ length: TOP_LEVEL + 1 }, (_unused, index) =>
      radix.nodes
        .filter((node) => node.level === TOP_LEVEL - index)
        .map(({ slots }) => (typeof slots === 'string' ? slots : [...slots].sort((a, b) => a - b)))
        .sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)),
    )
    return value({ nodeCount: radix.nodeCount, levels })
  })
}
