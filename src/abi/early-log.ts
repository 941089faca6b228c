import { err, ok, type Result } from '../shared/result.ts'
import { physAddr, type PhysAddr } from '../shared/units.ts'
import { addressOf, logLines } from './dmesg.ts'

export interface LogRange {
  readonly start: PhysAddr
  /** Exclusive; the log has the last byte. */
  readonly end: PhysAddr
}

function rangeOf(first: string | undefined, last: string | undefined): LogRange | undefined {
  const start = addressOf(first ?? '')
  const end = addressOf(last ?? '')
  // 0 bytes have their end one below their start; those at address 0 wrap around and are no range.
  return start === undefined || end === undefined || end + 1 < start ? undefined : { start, end: physAddr(end + 1) }
}

const NODE_RANGES = 'Early memory node ranges'
const NODE_RANGE = /^ {2}node {1,3}(\d{1,4}): \[mem (0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})\]$/

/** The list that free_area_init() prints (mm/mm_init.c, 7.3): memory by node. */
export function earlyNodeRanges(log: string): Result<readonly (LogRange & { readonly node: number })[]> {
  const lines = logLines(log)
  const at = lines.indexOf(NODE_RANGES)
  if (at === -1) return err(`the kernel log has no "${NODE_RANGES}"`)
  const ranges: (LogRange & { node: number })[] = []
  for (const line of lines.slice(at + 1)) {
    const match = NODE_RANGE.exec(line)
    if (match === null) break
    const range = rangeOf(match[2], match[3])
    if (range === undefined) return err(`not a range of memory: ${line.slice(0, 80)}`)
    ranges.push({ node: Number(match[1]), ...range })
  }
  return ok(ranges)
}

const E820 = /^BIOS-e820: \[mem (0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})\] {1,4}(.{1,40})$/
/** Words of e820_print_type() and those of e820_type_to_string(), arch/x86/kernel/e820.c, 7.3. */
const E820_WORDS: ReadonlyMap<string, string> = new Map([
  ['System RAM', 'System RAM'],
  ['device reserved', 'Reserved'],
  ['soft reserved', 'Soft Reserved'],
  ['ACPI data', 'ACPI Tables'],
  ['ACPI NVS', 'ACPI Non-volatile Storage'],
  ['unusable', 'Unusable memory'],
])

/** The map that e820__memory_setup() prints before anything else is known of memory; kinds by the words of /sys/firmware/memmap. */
export function e820Map(log: string): Result<readonly (LogRange & { readonly type: string })[]> {
  const map: (LogRange & { type: string })[] = []
  for (const line of logLines(log)) {
    const match = E820.exec(line)
    const range = match === null ? undefined : rangeOf(match[1], match[2])
    if (range !== undefined) map.push({ ...range, type: E820_WORDS.get(match?.[3] ?? '') ?? match?.[3] ?? '' })
  }
  return map.length === 0 ? err('the kernel log has no BIOS-e820 lines') : ok(map)
}

const DUMP = /^ reserved\.cnt {1,4}= 0x[0-9a-f]{1,16}$/
const DUMPED = /^ reserved\[0x[0-9a-f]{1,16}\]\s{1,4}\[(0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})\], /
const CHANGED = /^(?:__)?memblock_(reserve|phys_free): \[(0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})\]/
/** kmem_cache_init() (mm/slub.c) comes right after memblock_free_all(). */
const PAGE_ALLOCATOR_RUNS = /^SLUB: /

/**
 * What is reserved when the page allocator takes over: the list of e820__memblock_setup() (memblock_dump_all()) and the changes
 * after it, all printed under memblock=debug. Ranges that touch are joined. Fails where the log has lost its beginning.
 */
export function reservedAtEnd(log: string): Result<readonly LogRange[]> {
  const lines = logLines(log)
  const dump = lines.findIndex((line) => DUMP.test(line))
  if (dump === -1) return err('the kernel log has no list of memblock.reserved (memblock=debug)')
  const end = lines.findIndex((line) => PAGE_ALLOCATOR_RUNS.test(line))
  if (end === -1) return err('the kernel log does not say when the page allocator started')
  let reserved: readonly LogRange[] = []
  for (const line of lines.slice(dump + 1, end)) {
    const listed = DUMPED.exec(line)
    const changed = CHANGED.exec(line)
    const range = listed === null ? rangeOf(changed?.[2], changed?.[3]) : rangeOf(listed[1], listed[2])
    if (range !== undefined) reserved = changed?.[1] === 'phys_free' ? without(reserved, range) : withRange(reserved, range)
  }
  return ok(reserved)
}

function withRange(ranges: readonly LogRange[], added: LogRange): readonly LogRange[] {
  if (added.start === added.end) return ranges
  const apart = ranges.filter(({ start, end }) => end < added.start || start > added.end)
  const joined = ranges.filter((range) => !apart.includes(range))
  const start = physAddr(Math.min(added.start, ...joined.map((range) => range.start)))
  const end = physAddr(Math.max(added.end, ...joined.map((range) => range.end)))
  return [...apart, { start, end }].sort((a, b) => a.start - b.start)
}

const without = (ranges: readonly LogRange[], gone: LogRange): readonly LogRange[] =>
  ranges.flatMap((range) => [
    ...(range.start < gone.start ? [{ start: range.start, end: physAddr(Math.min(range.end, gone.start)) }] : []),
    ...(range.end > gone.end ? [{ start: physAddr(Math.max(range.start, gone.end)), end: range.end }] : []),
  ])
