import { e820Map, earlyNodeRanges, reservedAtEnd } from '../../abi/early-log.ts'
import { parseHugepages } from '../../abi/hugepages.ts'
import { memoryLines } from '../../abi/memory-log.ts'
import { meminfoBytes, parseBuddyinfo, parsePagetypeinfo } from '../../abi/page-counts.ts'
import { parseZoneinfo } from '../../abi/zoneinfo.ts'
import { notSeen, seen, type GuestMemory, type Reading } from '../../shared/documents/index.ts'
import type { Result } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import { DMESG_FILE, type Capture } from './capture.ts'

/** What the guest says of its memory, in /proc and in its log. */
export function decodeGuestMemory(capture: Capture): GuestMemory {
  const log = capture.text(DMESG_FILE)
  return {
    zones: read(capture.text('/proc/zoneinfo'), parseZoneinfo, (zones) =>
      zones.map(({ startPfn, ...zone }) => ({ ...zone, ...(startPfn === undefined ? {} : { startPfn }) })),
    ),
    buddy: read(capture.text('/proc/buddyinfo'), parseBuddyinfo, (zones) =>
      zones.map(({ freeByOrder, ...zone }) => ({ ...zone, freeByOrder: [...freeByOrder] })),
    ),
    pageBlocks: read(capture.text('/proc/pagetypeinfo'), parsePagetypeinfo, (zones) =>
      zones.map(({ blocks, ...zone }) => ({ ...zone, blocks: { ...blocks } })),
    ),
    total: read(capture.text('/proc/meminfo'), (text) => meminfoBytes(text, 'MemTotal'), hex),
    e820: read(log, e820Map, (map) => map.map(({ start, end, type }) => ({ start: hex(start), end: hex(end), type }))),
    nodeRanges: read(log, earlyNodeRanges, (ranges) =>
      ranges.map(({ node, start, end }) => ({ node, start: hex(start), end: hex(end) })),
    ),
    lines: log.ok ? seen([...memoryLines(log.value)]) : log,
    hugepages: hugepages(capture),
    reserved: read(log, reservedAtEnd, (ranges) => ranges.map(({ start, end }) => ({ start: hex(start), end: hex(end) }))),
  }
}

function hugepages(capture: Capture): GuestMemory['hugepages'] {
  const texts = capture.files().filter(({ path }) => path.endsWith('/nr_hugepages'))
  const found = parseHugepages(texts.map(({ path, bytes }) => ({ path, text: new TextDecoder().decode(bytes) })))
  if (!found.ok) return notSeen(found.error)
  return seen(found.value.map(({ node, ...count }) => ({ ...count, ...(node === undefined ? {} : { node }) })))
}

/** A text, what it says, and that as the document has it; the first failure is the reason. */
function read<T, V>(text: Reading<string>, parse: (text: string) => Result<T>, toDocument: (found: T) => V): Reading<V> {
  if (!text.ok) return text
  const found = parse(text.value)
  return found.ok ? seen(toDocument(found.value)) : notSeen(found.error)
}
