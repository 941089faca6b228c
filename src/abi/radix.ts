import { PHYS_ADDR_LIMIT, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'

/**
 * Keys and shape of the radix tree of preserved memory (include/linux/kho/abi/kexec_handover.h, 7.1 to 7.3).
 * A key is the page frame number shifted right by the order, with one bit in front that tells the order. A valid key has at
 * most 53 bits, so a `number` holds it exactly; bigint is for keys as they may be found anywhere (64 bits).
 */
export const RADIX_LEVELS = 6
export const RADIX_TABLE_LOG2 = 9
export const RADIX_LEAF_LOG2 = 15
export const RADIX_TABLE_SLOTS = 2 ** RADIX_TABLE_LOG2
export const RADIX_LEAF_BITS = 2 ** RADIX_LEAF_LOG2
/** Order of the largest record: its key is the order bit alone. */
export const RADIX_MAX_ORDER = 52

/** The number of keys below one slot of a table at `level` (5 to 1). */
export const slotSpan = (level: number): number => 2 ** (RADIX_LEAF_LOG2 + RADIX_TABLE_LOG2 * (level - 1))

/** kho_encode_radix_key() (7.3). Address bits below the order are dropped, as there. Throws RangeError outside [0, 2^52) and orders 0 to 52. */
export const encodeRadixKey = (start: number, order: number): bigint => BigInt(radixKey(start, order))

/** {@link encodeRadixKey} as a number; always exact. */
export function radixKey(start: number, order: number): number {
  if (!Number.isInteger(start) || start < 0 || start >= PHYS_ADDR_LIMIT) throw new RangeError(`not a physical address: ${start}`)
  if (!Number.isInteger(order) || order < 0 || order > RADIX_MAX_ORDER) throw new RangeError(`not an order: ${order}`)
  return 2 ** (RADIX_MAX_ORDER - order) + Math.floor(start / 2 ** (order + 12))
}

export interface DecodedKey {
  readonly start: PhysAddr
  readonly order: number
}

/** kho_decode_radix_key() (7.3). Undefined for what is no key of memory: no order bit, more than 53 bits, or an end above 2^52. */
export function decodeRadixKey(key: bigint): DecodedKey | undefined {
  return key < 0n || key > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : decodeKeyNumber(Number(key))
}

/** {@link decodeRadixKey} for a key that is a safe integer. */
export function decodeKeyNumber(key: number): DecodedKey | undefined {
  if (key < 1) return undefined
  const bit = floorLog2(key)
  const order = RADIX_MAX_ORDER - bit
  const bytes = 2 ** (order + 12)
  const start = (key - 2 ** bit) * bytes
  return start + bytes <= PHYS_ADDR_LIMIT ? { start: physAddr(start), order } : undefined
}

/** Exact for safe integers: Math.log2 alone rounds up just below a power of two. */
function floorLog2(value: number): number {
  const guess = Math.floor(Math.log2(value))
  return 2 ** guess > value ? guess - 1 : guess
}

/** A node page's contents without its address: what the tree of a set of records must hold. */
export interface RadixLayoutNode {
  /** 5 (the root) to 0 (a leaf). */
  readonly level: number
  /** The smallest key that belongs below this node. */
  readonly prefix: number
  /** Ascending table indexes (levels 5 to 1) or bit numbers (level 0) that are set. */
  readonly slots: readonly number[]
}

/**
 * Every node page of the tree that holds exactly these records, in the order in which a walk meets them (parents first,
 * ascending). The root is there even without records (kho_radix_init_tree(), 7.3).
 */
export const radixLayout = (records: Iterable<{ readonly start: number; readonly order: number }>): RadixLayoutNode[] =>
  radixLayoutOfKeys(Float64Array.from(records, ({ start, order }) => radixKey(start, order)))

/** The same from keys in any order; sorts them in place. */
export function radixLayoutOfKeys(keys: Float64Array): RadixLayoutNode[] {
  const nodes: RadixLayoutNode[] = []
  let below = distinct(keys.sort())
  let span = 1
  for (let level = 0; level < RADIX_LEVELS; level++) {
    const made = nodesAbove(below, level, span)
    for (const node of made) nodes.push(node)
    below = Float64Array.from(made, ({ prefix }) => prefix)
    span *= level === 0 ? RADIX_LEAF_BITS : RADIX_TABLE_SLOTS
  }
  if (below.length === 0) nodes.push({ level: RADIX_LEVELS - 1, prefix: 0, slots: [] })
  return nodes.sort((a, b) => a.prefix - b.prefix || b.level - a.level)
}

/** Each of ascending numbers once. */
function distinct(sorted: Float64Array): Float64Array {
  let kept = 0
  for (const value of sorted) if (kept === 0 || value !== sorted[kept - 1]) sorted[kept++] = value
  return sorted.subarray(0, kept)
}

/** The nodes of one level, from the ascending keys or prefixes that lie `span` apart in their slots. */
function nodesAbove(below: Float64Array, level: number, span: number): RadixLayoutNode[] {
  const size = span * (level === 0 ? RADIX_LEAF_BITS : RADIX_TABLE_SLOTS)
  const nodes: { level: number; prefix: number; slots: number[] }[] = []
  let last: (typeof nodes)[number] | undefined
  for (const key of below) {
    const prefix = key - (key % size)
    if (last?.prefix !== prefix) {
      last = { level, prefix, slots: [] }
      nodes.push(last)
    }
    last.slots.push((key - prefix) / span)
  }
  return nodes
}
