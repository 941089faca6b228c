import { readVmallocPages } from '../../abi/kho-vmalloc.ts'
import { KHOPROBE_NODE, decodeProbeTable, readProbeEntries, type ProbeRecord } from '../../abi/khoprobe.ts'
import { LISTED_ENTRIES, notSeen, seen, type ProbeTableView, type Range, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'
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
  const listed = Math.min(record.count, LISTED_ENTRIES)
  return seen({
    name: record.name,
    kind: record.kind,
    entries: record.count,
    pages: record.pages,
    hash,
    records: Array.from({ length: listed }, (_unused, index) => ({
      start: hex(starts[index] ?? 0),
      order: orders[index] ?? 0,
    })),
    listPages: pageRanges(listPages),
    areaChunks: pageRanges(areaChunks(memory, record)),
    areaOrder: record.kind === 'vmalloc' ? record.area.order : 0,
  })
}

function areaChunks(memory: PhysMemory, record: ProbeRecord): readonly number[] {
  const area = record.kind === 'vmalloc' ? readVmallocPages(memory, record.area) : undefined
  return area?.ok ? area.value.chunks : []
}

function pageRanges(pages: readonly number[]): Range[] {
  const ranges: { start: number; end: number }[] = []
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last?.end === page) last.end += PAGE_SIZE
    else ranges.push({ start: page, end: page + PAGE_SIZE })
  }
  return ranges.map(({ start, end }) => ({ start: hex(start), end: hex(end) }))
}
