import { eachRecordIn, entryBytes, listOfRecords, recordsIn, type RecordEntry } from '../../abi/record-list.ts'
import {
  notSeen,
  seen,
  type HostView,
  type PreservedRecord,
  type SetReport,
  type StepObservation,
} from '../../shared/documents/index.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'
import type { ReadStructPage } from './struct-pages.ts'

/** Struct pages of more than this are not read: 64 GiB of guest RAM. */
const PAGES_MAX = 16 * 1024 * 1024

/**
 * KHO's marks on the memory that the boot before handed over, of all its records in order of their start. Of each record the first
 * page, and how many of the other pages have a mark as well.
 */
export function readMarks(structPage: ReadStructPage, records: readonly PreservedRecord[]): NonNullable<HostView['marks']> {
  if (records.reduce((sum, record) => sum + entryBytes(record), 0) > PAGES_MAX * PAGE_SIZE)
    return notSeen('more memory was handed over than the lab reads struct pages of')
  const marked: RecordEntry[] = []
  const behind: number[] = []
  for (const { start, order } of eachRecordIn(records)) {
    const head = structPage(start / PAGE_SIZE)
    if (head === undefined) return notSeen(`the struct page of ${hex(start)} is not in guest RAM`)
    if (head.mark !== undefined) marked.push({ start, order: head.mark })
    for (let at = start + PAGE_SIZE; at < start + entryBytes({ order }); at += PAGE_SIZE)
      if (structPage(at / PAGE_SIZE)?.mark !== undefined) behind.push(at)
  }
  const listed = listOfRecords(marked, marked.length)
  if (listed.length === 0 && marked.length > 0) return notSeen(`the ${marked.length} marked pages lie too scattered to be listed`)
  return seen({
    records: listed.map(({ start, ...record }) => ({ start: hex(start), ...record })),
    others: withoutHeads(behind, records),
  })
}

/** Pages that no record begins at: a smaller record may lie inside a larger one. */
function withoutHeads(pages: readonly number[], records: readonly PreservedRecord[]): number {
  if (pages.length === 0) return 0
  const heads = new Set<number>()
  for (const { start } of eachRecordIn(records)) heads.add(start)
  return pages.filter((page) => !heads.has(page)).length
}

interface InheritedSet {
  readonly name: string
  readonly entries: number
  readonly records: readonly PreservedRecord[]
}

/** Sets that came over, as the boot before left them, of which khoprobe has taken the pages back and still holds them. */
export const stillHeld = (
  inherited: readonly InheritedSet[],
  left: readonly SetReport[],
  steps: readonly StepObservation[],
): readonly InheritedSet[] =>
  inherited.filter(
    ({ name }) =>
      left.some((set) => set.name === name && (set.state === 'restored' || set.state === 'preserved')) &&
      // A set may have been put, and another allocated under its name.
      !steps.some(({ command, result }) => command.startsWith(`alloc ${name} `) && result === 'ok'),
  )

export function readTakenBack(structPage: ReadStructPage, held: readonly InheritedSet[]): NonNullable<HostView['takenBack']> {
  const found = []
  for (const { name, entries, records } of held) {
    if (recordsIn(records) !== entries) return notSeen(`the entries of ${name} lie too scattered to be kept`)
    let [marked, referencedOnce] = [0, 0]
    for (const { start } of eachRecordIn(records)) {
      const page = structPage(start / PAGE_SIZE)
      if (page === undefined) return notSeen(`the struct page of ${hex(start)} is not in guest RAM`)
      if (page.mark !== undefined) marked += 1
      if (page.refcount === 1) referencedOnce += 1
    }
    found.push({ name, entries, marked, referencedOnce })
  }
  return seen(found)
}
