import { orderBytes } from '../../abi/preserve.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { PAGE_SIZE, fromHex } from '../../shared/units.ts'
import type { Span } from '../firmware-map.ts'
import type { ProbeTable } from './rules.ts'

const spanOf = ({ start, end }: { readonly start: string; readonly end: string }): Span => ({
  start: fromHex(start),
  end: fromHex(end),
})

/**
 * Memory that khoprobe has restored. When it is loaded: the list of every set of the table with its chunks, and the table's own
 * page (probe_inherit(), qemu-images/khoprobe/restore.c). With `restore`: the pages of the set, and the chunks of a vmalloc area.
 * Each is managed by the page allocator from then on, also where it is freed at once.
 */
export function takenBackSpans(table: ProbeTable, restored: readonly string[]): Result<readonly Span[]> {
  const page = fromHex(table.address)
  const spans: Span[] = [{ start: page, end: page + PAGE_SIZE }]
  for (const set of table.sets) {
    spans.push(...set.listPages.map(spanOf))
    if (!restored.includes(set.name)) continue
    if (set.records.length !== set.entries) return err(`the entries of ${set.name} are too many to be listed`)
    spans.push(...set.areaChunks.map(spanOf))
    spans.push(...set.records.map(({ start, order }) => ({ start: fromHex(start), end: fromHex(start) + orderBytes(order) })))
  }
  return ok(spans)
}
