import { createCipheriv } from 'node:crypto'
import { entryBytes } from '../../abi/record-list.ts'
import {
  LISTED_ENTRIES,
  notSeen,
  seen,
  type PreservedRecord,
  type ProbeTableView,
  type Reading,
} from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { GiB, KiB, PAGE_SIZE, formatSize, fromHex, hex, type PhysAddr } from '../../shared/units.ts'

interface RecordHash {
  readonly record: PreservedRecord
  readonly digest: string
}

/** More than this is not hashed: it would hold the guest up for many seconds. */
const HASH_LIMIT = 16 * GiB
/** Small enough to stay in the processor's cache between being read and being hashed. */
const CHUNK = 256 * KiB
const KEY = Buffer.from('kho-lab digests ')
const NONCE = Buffer.alloc(12)

/**
 * AES-GMAC over the pages: several times as fast as SHA-256, as processors multiply for it (docs/khoprobe.md has figures). The
 * key is no secret, so this finds every change that is not made on purpose to stay unfound, with a chance of 2^-128 to miss one.
 */
class PageHash {
  readonly #gmac = createCipheriv('aes-128-gcm', KEY, NONCE)

  add(bytes: Uint8Array): void {
    this.#gmac.setAAD(bytes)
  }

  digest(): string {
    this.#gmac.final()
    return this.#gmac.getAuthTag().toString('hex')
  }
}

/** A digest of the content of each record, in the order given. Not seen when one is outside RAM or all are too much. */
export function hashRecords(memory: PhysMemory, records: readonly PreservedRecord[]): Reading<RecordHash[]> {
  const total = records.reduce((sum, record) => sum + entryBytes(record), 0)
  if (total > HASH_LIMIT) return notSeen(`${records.length} records hold more than the ${formatSize(HASH_LIMIT)} that are hashed`)
  const buffer = new Uint8Array(Math.min(CHUNK, total))
  const hashes: RecordHash[] = []
  for (const record of records) {
    const hash = new PageHash()
    const end = fromHex(record.start) + entryBytes(record)
    for (let at = fromHex(record.start); at < end; at += CHUNK) {
      const part = readPart(memory, at, buffer.subarray(0, Math.min(CHUNK, end - at)))
      if (part === undefined) return notSeen(`the record ${record.start} of order ${record.order} is not inside RAM`)
      hash.add(part)
    }
    hashes.push({ record, digest: hash.digest() })
  }
  return seen(hashes)
}

function readPart(memory: PhysMemory, at: number, target: Uint8Array): Uint8Array | undefined {
  if (memory.readInto === undefined) return memory.read(at, target.length)
  return memory.readInto(at, target) ? target : undefined
}

/** What is known of who owns preserved memory, before it is hashed. */
export interface Owners {
  readonly table: ProbeTableView | undefined
  /** Pages of KHO's own tree and of its subtrees: a kernel may free or fill them on the way, so each has a digest of its own. */
  readonly structures: readonly PhysAddr[]
}

/** From so many neighbours of nobody known on they share digests: they are somebody's content, such as a memfd's. */
const CONTENT_RUN = 64

/**
 * What gets a digest of its own: every record, and of joined records as much as khoprobe's folios and lists have of them. What
 * else lies among those stays one by one: also in long runs the structures of KHO, and pages of zeros, which LUO fills on the way into
 * the kexec (luo_session_serialize(), 7.3).
 */
export function hashUnits(
  memory: PhysMemory,
  records: readonly PreservedRecord[],
  { table, structures }: Owners,
): Result<readonly PreservedRecord[]> {
  const own = ownedBy(table)
  const apart = new Set<number>(structures)
  const changes = (at: number): boolean => apart.has(at) || (memory.read(at, PAGE_SIZE)?.every((byte) => byte === 0) ?? true)
  const units = records.flatMap((record) =>
    record.count === undefined ? [record] : cut(record, own.get(record.order) ?? [], changes),
  )
  return units.length > 2 * LISTED_ENTRIES
    ? err(`the preserved records fall into ${units.length} parts, too many to list`)
    : ok(units)
}

interface Span {
  readonly start: number
  readonly end: number
}

/** Where folios of each order are khoprobe's, by order; its lists are of order 0. Ascending. */
function ownedBy(table: ProbeTableView | undefined): ReadonlyMap<number, readonly Span[]> {
  const spans = new Map<number, Span[]>()
  const add = (order: number, span: Span): unknown => spans.get(order)?.push(span) ?? spans.set(order, [span])
  for (const { kind, records, listPages } of table?.sets ?? []) {
    for (const { start, end } of listPages) add(0, { start: fromHex(start), end: fromHex(end) })
    if (kind !== 'folio') continue
    for (const record of records) {
      const start = fromHex(record.start)
      add(record.order, { start, end: start + entryBytes(record) })
    }
  }
  for (const list of spans.values()) list.sort((a, b) => a.start - b.start)
  return spans
}

/** Joined records, cut where spans begin and end; what no span has as {@link hashUnits} says. */
function cut(record: PreservedRecord, spans: readonly Span[], changes: (at: number) => boolean): PreservedRecord[] {
  const { order } = record
  const size = entryBytes({ order })
  const units: PreservedRecord[] = []
  const unit = (start: number, end: number): void => {
    const count = Math.ceil((end - start) / size)
    if (count > 0) units.push({ start: hex(start), order, ...(count === 1 ? {} : { count }) })
  }
  const loose = (start: number, end: number): void => {
    const alone = (end - start) / size < CONTENT_RUN
    let from = start
    for (let at = start; at < end; at += size) {
      if (!alone && !changes(at)) continue
      unit(from, at)
      unit(at, at + size)
      from = at + size
    }
    unit(from, end)
  }
  const end = fromHex(record.start) + entryBytes(record)
  let at = fromHex(record.start)
  for (const span of spans) {
    if (span.end <= at || span.start >= end) continue
    loose(at, Math.max(at, span.start))
    const from = Math.max(at, span.start)
    at = Math.min(span.end, end)
    unit(from, at)
  }
  loose(at, end)
  return units
}
