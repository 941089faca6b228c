import type { PhysMemory } from '../shared/phys-memory.ts'
import { insideRam } from '../shared/phys-memory.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { PAGE_SIZE, hex } from '../shared/units.ts'
import { u64Number, viewOf } from './bytes.ts'
import { KHO_VMALLOC_SIZE, decodeKhoVmalloc, readVmallocPages, type KhoVmalloc } from './kho-vmalloc.ts'
import { orderBytes } from './preserve.ts'

/** The subtree in which khoprobe hands its table over: struct probe_table of qemu-images/khoprobe/khoprobe.h. */
export const KHOPROBE_NODE = 'khoprobe'
export const PROBE_HEADER_SIZE = 128
export const PROBE_RECORD_SIZE = 128
const MAX_RECORDS = 31
export const KHOPROBE_TABLE_SIZE = PROBE_HEADER_SIZE + MAX_RECORDS * PROBE_RECORD_SIZE
const COMPATIBLE = 'khoprobe-v1'
const MAX_ENTRIES = 4 * 1024 * 1024
const MAX_ORDER = 10
const KINDS = ['folio', 'contiguous', 'vmalloc'] as const

export interface ProbeRecord {
  readonly name: string
  readonly kind: (typeof KINDS)[number]
  readonly count: number
  readonly pages: number
  /** Virtual address at which the kernel that wrote the table maps physical address 0. */
  readonly directMap: bigint
  readonly entries: KhoVmalloc
  /** Of a vmalloc area. */
  readonly area: KhoVmalloc
}

export function decodeProbeTable(bytes: Uint8Array): Result<readonly ProbeRecord[]> {
  if (bytes.length < KHOPROBE_TABLE_SIZE) return err(`a khoprobe table has ${bytes.length} of ${KHOPROBE_TABLE_SIZE} bytes`)
  const compatible = text(bytes.subarray(0, 16))
  if (compatible !== COMPATIBLE) return err(`the khoprobe table is '${compatible}' instead of '${COMPATIBLE}'`)
  const count = u64Number(viewOf(bytes), 16)
  if (count === undefined || count > MAX_RECORDS) return err('the khoprobe table counts more sets than it has room for')
  const records: ProbeRecord[] = []
  for (let index = 0; index < count; index++) {
    const at = PROBE_HEADER_SIZE + index * PROBE_RECORD_SIZE
    const record = decodeRecord(bytes.subarray(at, at + PROBE_RECORD_SIZE))
    if (!record.ok) return record
    records.push(record.value)
  }
  return ok(records)
}

function decodeRecord(bytes: Uint8Array): Result<ProbeRecord> {
  const view = viewOf(bytes)
  const name = text(bytes.subarray(0, 16))
  const kind = KINDS[view.getUint32(16, true)]
  const count = u64Number(view, 32)
  const pages = u64Number(view, 40)
  if (kind === undefined || count === undefined || count > MAX_ENTRIES || pages === undefined)
    return err(`the set '${name}' of the khoprobe table is malformed`)
  const entries = decodeKhoVmalloc(bytes.subarray(64, 64 + KHO_VMALLOC_SIZE))
  const area = decodeKhoVmalloc(bytes.subarray(80, 80 + KHO_VMALLOC_SIZE))
  if (!entries.ok) return entries
  if (!area.ok) return area
  return ok({ name, kind, count, pages, directMap: view.getBigUint64(48, true), entries: entries.value, area: area.value })
}

const text = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end))
}

export interface ProbeEntries {
  /** In the set's order; two arrays, as there can be millions. */
  readonly starts: Float64Array
  readonly orders: Uint8Array
  readonly hash: string
  /** The pages of the list, and of the chunks that lead to it. */
  readonly listPages: readonly number[]
}

/** The entries of a set, from the list that its record leads to: an address each, with the order in the low 12 bits. */
export function readProbeEntries(memory: PhysMemory, record: ProbeRecord): Result<ProbeEntries> {
  const list = readVmallocPages(memory, record.entries)
  if (!list.ok) return list
  if (list.value.order !== 0 || list.value.pages.length !== Math.ceil((record.count * 8) / PAGE_SIZE))
    return err(`the list of '${record.name}' has ${list.value.pages.length} pages for ${record.count} entries`)
  const starts = new Float64Array(record.count)
  const orders = new Uint8Array(record.count)
  const hash = new EntriesHash()
  let words: DataView = new DataView(new ArrayBuffer(PAGE_SIZE))
  for (let index = 0; index < record.count; index++) {
    const at = index % (PAGE_SIZE / 8)
    const page = at === 0 ? memory.read(list.value.pages[index / (PAGE_SIZE / 8)] ?? 0, PAGE_SIZE) : undefined
    if (page !== undefined) words = viewOf(page)
    const entry = u64Number(words, at * 8)
    const order = entry === undefined ? MAX_ORDER + 1 : entry % PAGE_SIZE
    if (entry === undefined || order > MAX_ORDER || !insideRam(memory, entry - order, orderBytes(order)))
      return err(`entry ${index} of '${record.name}' is no memory`)
    starts[index] = entry - order
    orders[index] = order
    hash.add(words.getUint32(at * 8, true), words.getUint32(at * 8 + 4, true))
  }
  return ok({ starts, orders, hash: hash.hash, listPages: [...list.value.chunks, ...list.value.pages] })
}

/** entries_hash() of qemu-images/khoprobe/report.c. */
class EntriesHash {
  #first = 0
  #second = 0

  add(low: number, high: number): void {
    this.#first = stir(stir(this.#first, low, 0x85ebca6b), high, 0xc2b2ae35)
    this.#second = stir(stir(this.#second, high, 0x27d4eb2f), low, 0x165667b1)
  }

  get hash(): string {
    return hex((BigInt(this.#first >>> 0) << 32n) | BigInt(this.#second >>> 0))
  }
}

function stir(hash: number, word: number, factor: number): number {
  const stirred = Math.imul(hash ^ word, factor)
  return stirred ^ (stirred >>> 15)
}
