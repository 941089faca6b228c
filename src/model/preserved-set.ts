import { preserveRange, type NodeOf } from '../abi/preserve.ts'
import { RADIX_LEVELS, radixLayout } from '../abi/radix.ts'
import { PAGE_SIZE, hex } from '../shared/units.ts'
import { canonicalJson } from '../shared/json.ts'
import type { PreservedRecord, SubjectValues } from '../shared/documents/index.ts'
import type { Span } from './firmware-map.ts'

interface ReservedRegion {
  readonly start: number
  readonly size: number
}

export interface PlainRecord {
  readonly start: number
  readonly order: number
}

/** pfn_to_nid() for memory that belongs to a node; -1 elsewhere. */
export const nodeOfPfn =
  (nodes: readonly (readonly Span[])[]): NodeOf =>
  (pfn) =>
    nodes.findIndex((spans) => spans.some(({ start, end }) => pfn * PAGE_SIZE >= start && pfn * PAGE_SIZE < end))

/**
 * Everything that a boot without a workload preserves: single pages by kho_alloc_preserve() or kho_preserve_pages(page, 1), and
 * each reserve_mem region by reserved_mem_preserve() (mm/memblock.c, 7.3). By start and then order, without repetition.
 */
export function preservedSet(
  pages: readonly number[],
  regions: readonly ReservedRegion[],
  nodeOf: NodeOf,
): readonly PlainRecord[] {
  const records = [
    ...pages.map((start) => ({ start, order: 0 })),
    // A region below one page has no whole page to preserve: nr_pages is 0 and kho_preserve_pages() does nothing.
    ...regions.filter(({ size }) => size >= PAGE_SIZE).flatMap(({ start, size }) => preserveRange(start, size, nodeOf)),
  ].sort((a, b) => a.start - b.start || a.order - b.order)
  return records.filter(
    (record, index) => index === 0 || record.start !== records[index - 1]?.start || record.order !== records[index - 1]?.order,
  )
}

export const toRecord = ({ start, order }: PlainRecord): PreservedRecord => ({ start: hex(start), order })

/** The node pages that kho_radix_add_key() (7.3) makes for these records; see the subject for the order of the lists. */
export function radixShape(records: readonly PlainRecord[]): SubjectValues['preserved.radix'] {
  const nodes = radixLayout(records)
  const levels = Array.from({ length: RADIX_LEVELS }, (_unused, index) => {
    const slots = nodes.filter(({ level }) => level === RADIX_LEVELS - 1 - index).map((node) => node.slots)
    return slots
      .map((list) => ({ list, text: canonicalJson(list) }))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ list }) => list)
  })
  return { nodeCount: nodes.length, levels }
}
