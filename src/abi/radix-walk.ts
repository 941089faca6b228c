import type { PhysMemory } from '../shared/phys-memory.ts'
import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { PAGE_SHIFT, PAGE_SIZE, PHYS_ADDR_LIMIT, hex, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'
import { u64Number, viewOf } from './bytes.ts'
import type { RecordEntry } from './record-list.ts'
import type { Preserved } from './preserve.ts'
import { RADIX_LEAF_BITS, RADIX_LEVELS, RADIX_MAX_ORDER, RADIX_TABLE_SLOTS, decodeKeyNumber, slotSpan } from './radix.ts'

export interface RadixLimits {
  /** Node pages to read at most; 2^18 of them describe up to 32 TiB of order-0 pages. */
  readonly nodes: number
  /** Runs of records to keep at most. */
  readonly runs: number
  /** Nodes whose slots are kept at most, and how many slots together. */
  readonly detailedNodes: number
  readonly detailedSlots: number
}

export const RADIX_LIMITS: RadixLimits = { nodes: 2 ** 18, runs: 2 ** 23, detailedNodes: 4096, detailedSlots: 2 ** 23 }

/** Records as runs, never as one object per page: run i is `counts[i]` records of `orders[i]`, one behind the other from `starts[i]`. */
export interface RecordRuns {
  readonly starts: Float64Array
  readonly orders: Uint8Array
  readonly counts: Float64Array
}

export interface RadixNodeContent {
  readonly address: PhysAddr
  readonly level: number
  /** The smallest key that belongs below this node. */
  readonly prefix: number
  /** Ascending table indexes (levels 5 to 1) or bit numbers (level 0). */
  readonly slots: Uint16Array
}

export interface RadixWalk {
  readonly root: PhysAddr
  /** Addresses of all node pages that were read, in the order of the walk. */
  readonly nodeAddresses: Float64Array
  /** The first nodes of the walk with their contents, up to the limits. */
  readonly nodes: readonly RadixNodeContent[]
  /** In the order of the keys: descending order, then ascending address. */
  readonly records: RecordRuns
  readonly recordCount: number
  readonly pageCount: number
  /** False when anything was not followed or not understood; `problems` then says what. */
  readonly complete: boolean
  /** The first 64 problems, a sentence each. */
  readonly problems: readonly string[]
}

const MAX_PROBLEMS = 64

interface Progress {
  readonly memory: PhysMemory
  readonly limits: RadixLimits
  readonly visited: Set<number>
  readonly nodes: RadixNodeContent[]
  readonly starts: number[]
  readonly orders: number[]
  readonly counts: number[]
  readonly problems: string[]
  detailedSlots: number
  recordCount: number
  pageCount: number
  stopped: boolean
}

/**
 * Walks a tree of preserved memory in guest RAM, as __kho_radix_walk_tree() does (kernel/liveupdate/kexec_handover.c, 7.1 to 7.3),
 * but believing nothing: every node must be a page inside RAM that was not met before, and the limits end every walk.
 * @param root physical address of the root node: the value of preserved-memory-map.
 * @returns an error only when the root itself cannot be read; anything below that is skipped and said in `problems`.
 */
export function walkRadix(memory: PhysMemory, root: number, limits: Partial<RadixLimits> = {}): Result<RadixWalk> {
  const progress: Progress = {
    memory,
    limits: { ...RADIX_LIMITS, ...limits },
    visited: new Set(),
    nodes: [],
    starts: [],
    orders: [],
    counts: [],
    problems: [],
    detailedSlots: 0,
    recordCount: 0,
    pageCount: 0,
    stopped: false,
  }
  const page = readNode(progress, root)
  if (!page.ok) return err(`the root node ${page.error}`)
  visitTable(progress, page.value, root, RADIX_LEVELS - 1, 0)
  return ok({
    root: physAddr(root),
    nodeAddresses: Float64Array.from(progress.visited),
    nodes: progress.nodes,
    records: {
      starts: new Float64Array(progress.starts),
      orders: new Uint8Array(progress.orders),
      counts: new Float64Array(progress.counts),
    },
    recordCount: progress.recordCount,
    pageCount: progress.pageCount,
    complete: progress.problems.length === 0,
    problems: progress.problems,
  })
}

function note(progress: Progress, problem: string): void {
  if (progress.problems.length < MAX_PROBLEMS) progress.problems.push(problem)
}

/** Reads a node page once; a second visit would be a cycle or a shared subtree, and the kernel makes neither. */
function readNode(progress: Progress, address: number): Result<DataView> {
  if (!Number.isSafeInteger(address) || address < 0) return err(`has no physical address (${address})`)
  if (address % PAGE_SIZE !== 0) return err(`lies at ${hex(address)}, which is not page-aligned`)
  if (progress.visited.has(address))
    return err(`lies at ${hex(address)} and was met before: the tree has a cycle or shares a node`)
  const page = progress.memory.read(address, PAGE_SIZE)
  if (page?.length !== PAGE_SIZE) return err(`lies at ${hex(address)}, outside RAM`)
  progress.visited.add(address)
  return ok(viewOf(page))
}

function visitTable(progress: Progress, table: DataView, address: number, level: number, prefix: number): void {
  const used: number[] = []
  for (let slot = 0; slot < RADIX_TABLE_SLOTS; slot++) {
    if (table.getUint32(8 * slot) !== 0 || table.getUint32(8 * slot + 4) !== 0) used.push(slot)
  }
  keepNode(progress, address, level, prefix, used.length, (slots) => slots.set(used))
  for (const slot of used) {
    if (progress.stopped) return
    visitSlot(progress, u64Number(table, 8 * slot), level, prefix + slot * slotSpan(level), slot)
  }
}

function visitSlot(progress: Progress, address: number | undefined, level: number, prefix: number, slot: number): void {
  const page = readChild(progress, address, prefix)
  if (!page.ok) note(progress, `slot ${slot} of a level ${level} node ${page.error}`)
  else if (page.value === undefined) progress.stopped = true
  else if (level === 1) visitLeaf(progress, page.value.node, page.value.address, prefix)
  else visitTable(progress, page.value.node, page.value.address, level - 1, prefix)
}

/** The node that a slot points to; undefined when the walk has read as many as it may. */
function readChild(
  progress: Progress,
  address: number | undefined,
  prefix: number,
): Result<{ readonly node: DataView; readonly address: number } | undefined> {
  if (prefix >= 2 ** (RADIX_MAX_ORDER + 1)) return err(`leads to keys of more than ${RADIX_MAX_ORDER + 1} bits`)
  if (address === undefined) return err('holds 2^52 or more, which is no physical address')
  if (progress.visited.size >= progress.limits.nodes) {
    note(progress, `the walk ended after ${progress.limits.nodes} nodes, more than it may read`)
    return ok(undefined)
  }
  const node = readNode(progress, address)
  return node.ok ? ok({ node: node.value, address }) : err(`points to a node that ${node.error}`)
}

function visitLeaf(progress: Progress, leaf: DataView, address: number, prefix: number): void {
  const bits = bitRuns(leaf)
  let set = 0
  for (let i = 0; i < bits.length; i += 2) set += (bits[i + 1] ?? 0) - (bits[i] ?? 0)
  keepNode(progress, address, 0, prefix, set, (slots) => {
    let index = 0
    for (let i = 0; i < bits.length; i += 2) {
      for (let bit = bits[i] ?? 0; bit < (bits[i + 1] ?? 0); bit++) slots[index++] = bit
    }
  })
  addLeaf(progress, prefix, bits)
}

/**
 * Set bits of a leaf as pairs: first bit of a run, first bit after it. The bitmap is an array of little-endian words.
 * A change of the bit is where a word differs from itself shifted by one, so only the changes cost anything.
 */
function bitRuns(leaf: DataView): number[] {
  const edges: number[] = []
  let previous = 0
  for (let offset = 0; offset < PAGE_SIZE; offset += 4) {
    const word = leaf.getUint32(offset, true)
    for (let changes = (word ^ ((word << 1) | previous)) >>> 0; changes !== 0; changes = (changes & (changes - 1)) >>> 0) {
      edges.push(offset * 8 + 31 - Math.clz32(changes & -changes))
    }
    previous = word >>> 31
  }
  if (previous === 1) edges.push(PAGE_SIZE * 8)
  return edges
}

/** The records of a leaf. All its keys have the order of its prefix, but for the first leaf of all, where the order bit is inside. */
function addLeaf(progress: Progress, prefix: number, bits: readonly number[]): void {
  const base = decodeKeyNumber(prefix)
  const size = 2 ** ((base?.order ?? 0) + PAGE_SHIFT)
  // Keys ascend with the address, so those beyond 2^52 are the last of the leaf.
  const valid = base === undefined ? 0 : Math.min(RADIX_LEAF_BITS, (PHYS_ADDR_LIMIT - base.start) / size)
  for (let i = 0; i < bits.length && !progress.stopped; i += 2) {
    const first = bits[i] ?? 0
    const end = bits[i + 1] ?? 0
    if (base !== undefined && first < valid)
      addRun(progress, base.start + first * size, base.order, size, Math.min(end, valid) - first)
    addKeys(progress, prefix + Math.max(first, valid), prefix + end)
  }
}

/** Keys [first, end) one by one: those that have no order in common, or are not valid. */
function addKeys(progress: Progress, first: number, end: number): void {
  for (let key = first; key < end && !progress.stopped; key++) {
    const record = decodeKeyNumber(key)
    if (record === undefined) note(progress, `key ${hex(key)} is no range of physical memory`)
    else addRun(progress, record.start, record.order, 2 ** (record.order + PAGE_SHIFT), 1)
  }
}

/** `count` records of `order`, each `size` bytes, from `start`; joined to the last run where they continue it. */
function addRun(progress: Progress, start: number, order: number, size: number, count: number): void {
  const { starts, orders, counts } = progress
  const last = starts.length - 1
  const lastCount = counts[last] ?? 0
  if (orders[last] === order && (starts[last] ?? 0) + lastCount * size === start) counts[last] = lastCount + count
  else if (starts.length < progress.limits.runs) {
    starts.push(start)
    orders.push(order)
    counts.push(count)
  } else {
    progress.stopped = true
    note(progress, `the walk ended after ${progress.limits.runs} runs of records, more than it may keep`)
    return
  }
  progress.recordCount += count
  progress.pageCount += count * (size / PAGE_SIZE)
}

function keepNode(
  progress: Progress,
  address: number,
  level: number,
  prefix: number,
  count: number,
  fill: (slots: Uint16Array) => void,
): void {
  if (progress.nodes.length >= progress.limits.detailedNodes) return
  if (progress.detailedSlots + count > progress.limits.detailedSlots) return
  const slots = new Uint16Array(count)
  fill(slots)
  progress.nodes.push({ address: physAddr(address), level, prefix, slots })
  progress.detailedSlots += count
}

/** The records one by one, in the order of the keys. */
export function* eachRecord(records: RecordRuns): Generator<Preserved> {
  for (let run = 0; run < records.starts.length; run++) {
    const start = records.starts[run] ?? 0
    const order = records.orders[run] ?? 0
    for (let index = 0; index < (records.counts[run] ?? 0); index++) {
      yield { start: physAddr(start + index * 2 ** (order + 12)), order }
    }
  }
}

/** The runs of a walk, one entry each. */
export function* eachRun({ starts, orders, counts }: RecordRuns): Generator<RecordEntry> {
  for (let run = 0; run < starts.length; run++)
    yield { start: starts[run] ?? 0, order: orders[run] ?? 0, count: counts[run] ?? 0 }
}

/** The first `limit` records of the walk in ascending address, the larger first at one address: the order in which documents list them. */
export function sortedRecords(records: RecordRuns, limit: number): Preserved[] {
  const sorted: Preserved[] = []
  for (const record of eachRecord(records)) {
    if (sorted.length >= limit) break
    sorted.push(record)
  }
  return sorted.sort((a, b) => a.start - b.start || b.order - a.order)
}
