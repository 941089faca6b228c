import { recordsIn } from '../../abi/record-list.ts'
import { notSeen, seen, type HostView, type PreservedRecord, type Reading } from '../../shared/documents/index.ts'

/**
 * All records of the tree that a boot hands over, as it was read last. Not seen where the walk ended early, or where the records were
 * too many to be kept: a part of them is no base for anything.
 */
export function handedOverRecords({
  outRadix,
  handedOver = outRadix,
}: Pick<HostView, 'outRadix' | 'handedOver'>): Reading<readonly PreservedRecord[]> {
  if (!handedOver.ok) return handedOver
  const { complete, records, recordCount } = handedOver.value
  return complete && recordsIn(records) === recordCount
    ? seen(records)
    : notSeen(`of the ${recordCount} preserved records ${recordsIn(records)} were walked and kept`)
}
