import { readVmallocPages } from '../../abi/kho-vmalloc.ts'
import { orderBytes } from '../../abi/preserve.ts'
import { KHOPROBE_NODE, decodeProbeTable, readProbeEntries, type ProbeRecord } from '../../abi/khoprobe.ts'
import {
  LISTED_ENTRIES,
  notSeen,
  seen,
  type PreservedRecord,
  type ProbeTableView,
  type Reading,
} from '../../shared/documents/index.ts'
import { listOfRecords, type RecordEntry } from '../../abi/record-list.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'
import { pageRanges } from './page-ranges.ts'
import type { RootCandidate } from './root-candidates.ts'

const MAX_SIZE = PAGE_SIZE

/** khoprobe's table in the tree that this kernel will pass on; absent when the tree has none. */
export function readProbeTable(memory: PhysMemory, { root }: RootCandidate): Reading<ProbeTableView> | undefined {
  const subtree = root.subtrees.find(({ name }) => name === KHOPROBE_NODE)
  if (subtree === undefined) return undefined
  const bytes = subtree.size <= MAX_SIZE ? memory.read(subtree.address, subtree.size) : undefined
  if (bytes === undefined) return notSeen(`the khoprobe table at ${hex(subtree.address)} is not inside RAM`)
  const records = decodeProbeTable(bytes)
  if (!records.ok) return notSeen(records.error)
  const sets: ProbeTableView['sets'] = []
  for (const record of records.value) {
    const set = readSet(memory, record)
    if (!set.ok) return set
    sets.push(set.value)
  }
  return seen({ address: hex(subtree.address), sets })
}

function readSet(memory: PhysMemory, record: ProbeRecord): Reading<ProbeTableView['sets'][number]> {
  const entries = readProbeEntries(memory, record)
  if (!entries.ok) return notSeen(entries.error)
  const { starts, orders, hash, listPages } = entries.value
  return seen({
    name: record.name,
    kind: record.kind,
    entries: record.count,
    pages: record.pages,
    directMap: hex(record.directMap),
    hash,
    records: recordsOf(record, starts, orders),
    listPages: pageRanges(ascending(listPages)),
    ...areaOf(memory, record),
  })
}

function areaOf(
  memory: PhysMemory,
  { kind, area }: ProbeRecord,
): Pick<ProbeTableView['sets'][number], 'areaChunks' | 'areaOrder' | 'areaPages'> {
  if (kind !== 'vmalloc') return { areaChunks: [], areaOrder: 0 }
  const read = readVmallocPages(memory, area)
  if (!read.ok) return { areaChunks: [], areaOrder: area.order }
  const { chunks, pages, order } = read.value
  const areaPages = pageRanges(ascending(pages), orderBytes(order))
  return {
    areaChunks: pageRanges(ascending(chunks)),
    areaOrder: order,
    ...(areaPages.length > LISTED_ENTRIES ? {} : { areaPages }),
  }
}

function recordsOf({ kind, count }: ProbeRecord, starts: Float64Array, orders: Uint8Array): PreservedRecord[] {
  const ordered = kind === 'folio' && count > LISTED_ENTRIES ? byAddress(starts, orders) : { starts, orders }
  const each = function* (): Generator<RecordEntry> {
    for (let index = 0; index < count; index++) yield { start: ordered.starts[index] ?? 0, order: ordered.orders[index] ?? 0 }
  }
  return listOfRecords(each(), count).map(({ start, ...record }) => ({ start: hex(start), ...record }))
}

/** Starts are multiples of a page and orders far below one, so their sums sort by start and tell both. */
function byAddress(starts: Float64Array, orders: Uint8Array): { readonly starts: Float64Array; readonly orders: Uint8Array } {
  const packed = starts.map((start, index) => start + (orders[index] ?? 0)).sort()
  return { starts: packed.map((sum) => sum - (sum % PAGE_SIZE)), orders: Uint8Array.from(packed, (sum) => sum % PAGE_SIZE) }
}

const ascending = (pages: readonly number[]): number[] => [...pages].sort((a, b) => a - b)
