import { preserveRange, type NodeOf } from '../abi/preserve.ts'
import { listOfRecords } from '../abi/record-list.ts'
import { slotList } from '../abi/slot-list.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { RADIX_LEVELS, radixKey, radixLayoutOfKeys } from '../abi/radix.ts'
import { PAGE_SIZE, hex } from '../shared/units.ts'
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

/** The records of a set as a document lists them, or that they are too scattered for one. */
export function documentRecords(set: PreservedSet): Result<readonly PreservedRecord[]> {
  const listed = listOfRecords(eachPacked(set), set.length)
  return listed.length === 0 && set.length > 0
    ? err(`the ${set.length} records lie too scattered to be listed`)
    : ok(listed.map(({ start, ...record }) => ({ start: hex(start), ...record })))
}

function* eachPacked(set: PreservedSet): Generator<PlainRecord> {
  for (const packed of set) yield { start: packed - (packed % PAGE_SIZE), order: packed % PAGE_SIZE }
}

/** pfn_to_nid() for memory that belongs to a node; -1 elsewhere. */
export const nodeOfPfn =
  (nodes: readonly (readonly Span[])[]): NodeOf =>
  (pfn) =>
    nodes.findIndex((spans) => spans.some(({ start, end }) => pfn * PAGE_SIZE >= start && pfn * PAGE_SIZE < end))

/**
 * Records by start and then order, as one number each so that a million are cheap: orders are below 53 and starts multiples of
 * 4096, so their sum tells both, is exact, and sorts as they do.
 */
type PreservedSet = Float64Array
const pack = ({ start, order }: PlainRecord): number => start + order

/**
 * Everything that a boot preserves: the records of a workload's sets, single pages by kho_alloc_preserve() or kho_preserve_pages(page, 1), and
 * each reserve_mem region by reserved_mem_preserve() (mm/memblock.c, 7.3). By start and then order, without repetition.
 */
export function preservedSet(
  pages: readonly number[],
  regions: readonly ReservedRegion[],
  sets: readonly PlainRecord[],
  nodeOf: NodeOf,
): PreservedSet {
  // A region below one page has no whole page to preserve: nr_pages is 0 and kho_preserve_pages() does nothing.
  const blocks = [
    ...sets,
    ...regions.filter(({ size }) => size >= PAGE_SIZE).flatMap(({ start, size }) => preserveRange(start, size, nodeOf)),
  ]
  const packed = new Float64Array(pages.length + blocks.length)
  packed.set(pages)
  blocks.forEach((record, index) => (packed[pages.length + index] = pack(record)))
  packed.sort()
  let kept = 0
  for (const record of packed) if (kept === 0 || record !== packed[kept - 1]) packed[kept++] = record
  return packed.subarray(0, kept)
}

/**
 * The node pages that kho_radix_add_key() (7.3) makes for these records; see the subject for the order of the lists. `emptied`:
 * records that kho_radix_del_key() took out again, which leaves the nodes.
 */
export function radixShape(set: PreservedSet, emptied: readonly PlainRecord[]): SubjectValues['preserved.radix'] {
  const kept = set.map((packed) => radixKey(packed - (packed % PAGE_SIZE), packed % PAGE_SIZE))
  const gone = new Set(emptied.map(({ start, order }) => radixKey(start, order)))
  for (const key of kept) gone.delete(key)
  const nodes = radixLayoutOfKeys(Float64Array.from([...gone, ...kept])).map((node) =>
    node.level === 0 && gone.size > 0 ? { ...node, slots: node.slots.filter((slot) => !gone.has(node.prefix + slot)) } : node,
  )
  const levels = Array.from({ length: RADIX_LEVELS }, (_unused, index) => {
    const slots = nodes.filter(({ level }) => level === RADIX_LEVELS - 1 - index).map((node) => slotList(node.slots))
    return slots
      .map((list) => ({ list, text: JSON.stringify(list) }))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ list }) => list)
  })
  return { nodeCount: nodes.length, levels }
}
