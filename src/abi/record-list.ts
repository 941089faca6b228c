import { PAGE_SHIFT, fromHex } from '../shared/units.ts'
import type { PreservedRecord } from '../shared/documents/common.ts'
import { LISTED_ENTRIES } from '../shared/documents/workload/observed.ts'

/** 2^order pages at start; with a count, as many such records one behind the other. */
export interface RecordEntry {
  readonly start: number
  readonly order: number
  readonly count?: number
}

/** Bytes of an entry of a list of records. */
export const entryBytes = ({ order, count = 1 }: { readonly order: number; readonly count?: number | undefined }): number =>
  count * 2 ** (order + PAGE_SHIFT)

/** How many records a list stands for. */
export const recordsIn = (entries: readonly { readonly count?: number | undefined }[]): number =>
  entries.reduce((sum, { count = 1 }) => sum + count, 0)

/** Neighbours of one order as one entry, by start and then order. `records` ascend by start within each order. */
export function joinNeighbours(records: Iterable<RecordEntry>): RecordEntry[] {
  const joined: { start: number; order: number; count: number }[] = []
  const last = new Map<number, { start: number; order: number; count: number }>()
  for (const { start, order, count = 1 } of records) {
    const before = last.get(order)
    if (before !== undefined && before.start + entryBytes(before) === start) before.count += count
    else {
      const entry = { start, order, count }
      joined.push(entry)
      last.set(order, entry)
    }
  }
  return joined
    .sort((a, b) => a.start - b.start || a.order - b.order)
    .map(({ start, order, count }) => (count === 1 ? { start, order } : { start, order, count }))
}

/** A list as numbers. */
export const eachRunIn = (entries: readonly PreservedRecord[]): RecordEntry[] =>
  entries.map(({ start, ...record }) => ({ start: fromHex(start), ...record }))

/** The records of a list one by one. */
export function* eachRecordIn(
  entries: readonly PreservedRecord[],
): Generator<{ readonly start: number; readonly order: number }> {
  for (const { start, order, count = 1 } of entries) {
    const first = fromHex(start)
    for (let index = 0; index < count; index++) yield { start: first + index * entryBytes({ order }), order }
  }
}

/**
 * A list as documents have it: up to 4096 records one by one, more of them with neighbours joined; where even so it has more than
 * 4096 entries, nothing.
 */
export function listOfRecords(records: Iterable<RecordEntry>, count: number): readonly RecordEntry[] {
  if (count <= LISTED_ENTRIES) return [...records]
  const joined = joinNeighbours(records)
  return joined.length <= LISTED_ENTRIES ? joined : []
}
