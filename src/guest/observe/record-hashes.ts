import { createHash } from 'node:crypto'
import { orderBytes } from '../../abi/preserve.ts'
import { notSeen, seen, type PreservedRecord, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { GiB, MiB, formatSize, fromHex } from '../../shared/units.ts'

export interface RecordHash {
  readonly record: PreservedRecord
  readonly sha256: string
}

/** More than this is not hashed: it would hold the guest up for seconds. */
const HASH_LIMIT = 2 * GiB
const CHUNK = 4 * MiB

/** SHA-256 of the content of each record, in the order given. Not seen when one is outside RAM or all are too much. */
export function hashRecords(memory: PhysMemory, records: readonly PreservedRecord[]): Reading<RecordHash[]> {
  const total = records.reduce((sum, { order }) => sum + orderBytes(order), 0)
  if (total > HASH_LIMIT) return notSeen(`${records.length} records hold more than the ${formatSize(HASH_LIMIT)} that are hashed`)
  const hashes: RecordHash[] = []
  for (const record of records) {
    const hash = createHash('sha256')
    const end = fromHex(record.start) + orderBytes(record.order)
    for (let at = fromHex(record.start); at < end; at += CHUNK) {
      const bytes = memory.read(at, Math.min(CHUNK, end - at))
      if (bytes === undefined) return notSeen(`the record ${record.start} of order ${record.order} is not inside RAM`)
      hash.update(bytes)
    }
    hashes.push({ record: { start: record.start, order: record.order }, sha256: hash.digest('hex') })
  }
  return seen(hashes)
}
