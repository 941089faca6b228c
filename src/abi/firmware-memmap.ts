import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { PHYS_ADDR_LIMIT, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'

/** An entry of the firmware's memory map as /sys/firmware/memmap shows it: before the kernel changes anything in it. */
export interface FirmwareMapEntry {
  readonly start: PhysAddr
  /** Exclusive; the file itself has the last byte. */
  readonly end: PhysAddr
  /** The words of e820_type_to_string(), arch/x86/kernel/e820.c. */
  readonly type: string
}

const FILE = /(?:^|\/)memmap\/(\d{1,6})\/(start|end|type)$/
const ADDRESS = /^0x[0-9a-f]{1,16}$/

/**
 * The files /sys/firmware/memmap/N/{start,end,type} with their texts (drivers/firmware/memmap.c, 7.3), in the order of N.
 * Other paths are ignored; an entry that lacks a file, or is no range, fails the whole map and says which.
 */
export function parseFirmwareMemmap(
  files: Iterable<{ readonly path: string; readonly text: string }>,
): Result<readonly FirmwareMapEntry[]> {
  const entries = new Map<number, Map<string, string>>()
  for (const { path, text } of files) {
    const match = FILE.exec(path)
    if (match === null) continue
    const number = Number(match[1])
    const fields = entries.get(number) ?? new Map<string, string>()
    entries.set(number, fields.set(match[2] ?? '', text.trim()))
  }
  const map: FirmwareMapEntry[] = []
  for (const [number, fields] of [...entries].sort(([a], [b]) => a - b)) {
    const entry = decodeEntry(fields)
    if (!entry.ok) return err(`/sys/firmware/memmap/${number} ${entry.error}`)
    map.push(entry.value)
  }
  return map.length === 0 ? err('/sys/firmware/memmap has no entries') : ok(map)
}

function decodeEntry(fields: ReadonlyMap<string, string>): Result<FirmwareMapEntry> {
  const start = fields.get('start')
  const last = fields.get('end')
  const type = fields.get('type')
  if (start === undefined || last === undefined || type === undefined) return err('lacks start, end or type')
  if (!ADDRESS.test(start) || !ADDRESS.test(last)) return err(`has no addresses: ${start.slice(0, 40)}, ${last.slice(0, 40)}`)
  const end = Number(last) + 1
  if (end > PHYS_ADDR_LIMIT || Number(start) >= end) return err(`is no range of physical memory: ${start} to ${last}`)
  return ok({ start: physAddr(Number(start)), end: physAddr(end), type })
}
