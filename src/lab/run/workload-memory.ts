import { entryBytes, recordsIn } from '../../abi/record-list.ts'
import type { GivenValues, PreservedRecord, ProbeTableView, Range, WorkloadObservation } from '../../shared/documents/index.ts'
import { fromHex, hex } from '../../shared/units.ts'

/** The memory of a table without its entries; undefined where a set's entries or pages were too scattered to be kept. */
export function workloadMemory({ address, sets }: ProbeTableView): GivenValues['workload.memory'] | undefined {
  if (sets.some(({ records, entries }) => recordsIn(records) !== entries)) return undefined
  if (sets.some(({ kind, areaPages }) => kind === 'vmalloc' && areaPages === undefined)) return undefined
  return {
    address,
    sets: sets.map(({ name, listPages, areaChunks, areaPages, records }) => ({
      name,
      listPages,
      areaChunks,
      pages: areaPages ?? rangesOf(records),
    })),
  }
}

/** Places of all sets that the steps of a boot told of. */
export function workloadPlaces({ steps }: WorkloadObservation): GivenValues['workload.places'] {
  const placing = steps.filter(({ result, step }) => result === 'ok' && /^(?:allocate|restore) /.test(step))
  return [...new Map(placing.flatMap(({ set, entries }) => (set === undefined ? [] : [[set.name, entries]])))].map(
    ([name, entries]) => ({ name, ...(entries === undefined ? {} : { pages: rangesOf(entries) }) }),
  )
}

function rangesOf(records: readonly PreservedRecord[]): Range[] {
  const spans = records
    .map((record) => ({ start: fromHex(record.start), end: fromHex(record.start) + entryBytes(record) }))
    .sort((a, b) => a.start - b.start)
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of spans) {
    const last = joined.at(-1)
    if (last?.end === start) last.end = end
    else joined.push({ start, end })
  }
  return joined.map(({ start, end }) => ({ start: hex(start), end: hex(end) }))
}
