import type { Range } from '../../shared/documents/index.ts'
import type { MemorySubjects } from '../../shared/documents/memory-subjects.ts'
import { fromHex, hex } from '../../shared/units.ts'
import { memoryLogObservers } from './memory-log.ts'
import { from, guest, host, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'

const IN_GUEST = 'the guest alone counts the pages of its zones'
const LOG = "memblock is the guest's own and gone once the page allocator runs"

interface OfZone {
  readonly node: number
  readonly zone: string
}

const nameOf = ({ node, zone }: OfZone): string => `node${node}.${zone}`

/** The zone that the claim is about. */
function zoneOf<Z extends OfZone, V>(zones: readonly Z[], part: string | undefined, extract: (zone: Z) => Look<V>): Look<V> {
  const zone = zones.find((candidate) => nameOf(candidate) === part)
  return zone === undefined ? unobserved(`the guest shows no zone ${part ?? 'without a name'}`) : extract(zone)
}

const MEMORY_RESOURCES = new Set([
  'System RAM',
  'Reserved',
  'RAM buffer',
  'Kernel code',
  'Kernel rodata',
  'Kernel data',
  'Kernel bss',
  'Crash kernel',
])

/** The count of the size and node that the claim is about. */
const hugepages = (asked: (part: string) => { readonly size: string; readonly node?: number }) =>
  guest<number>(({ memory }, { claim: { part = '' } }) =>
    from(memory?.hugepages, 'nr_hugepages', (counts) => {
      const { size, node } = asked(part)
      const count = counts.find((candidate) => candidate.size === size && candidate.node === node)
      return count === undefined ? unobserved(`sysfs has no nr_hugepages of ${part}`) : value(count.pages)
    }),
  )

const ZONEINFO = '/proc/zoneinfo'

export const memoryObservers: ObserversOf<keyof MemorySubjects> = {
  'zone.populated': {
    guest: guest(({ memory }) =>
      from(memory?.zones, ZONEINFO, (zones) =>
        value(zones.filter(({ present }) => present > 0).map(({ node, zone }) => ({ node, zone }))),
      ),
    ),
    host: never(IN_GUEST),
  },
  'zone.span': {
    guest: guest(({ memory }, { claim: { part } }) =>
      from(memory?.zones, ZONEINFO, (zones) =>
        zoneOf(zones, part, ({ startPfn, spanned, present }) =>
          startPfn === undefined ? unobserved(`${ZONEINFO} has no start_pfn of it`) : value({ startPfn, spanned, present }),
        ),
      ),
    ),
    host: never(IN_GUEST),
  },
  'zone.managed': {
    guest: guest(({ memory }, { claim: { part } }) =>
      from(memory?.zones, ZONEINFO, (zones) => zoneOf(zones, part, ({ managed }) => value(managed))),
    ),
    host: never(IN_GUEST),
  },
  'zone.cma': {
    guest: guest(({ memory }, { claim: { part } }) =>
      from(memory?.zones, ZONEINFO, (zones) => zoneOf(zones, part, ({ cma }) => value(cma))),
    ),
    host: never(IN_GUEST),
  },
  'zone.cmaBlocks': {
    guest: guest(({ memory }, { claim: { part } }) =>
      from(memory?.pageBlocks, '/proc/pagetypeinfo', (zones) =>
        zoneOf(zones, part, ({ blocks }) => {
          const cma = blocks['CMA']
          return cma === undefined ? unobserved('/proc/pagetypeinfo has no migratetype CMA') : value(cma)
        }),
      ),
    ),
    host: never(IN_GUEST),
  },
  'zone.totalRam': {
    guest: guest(({ memory }) => from(memory?.total, '/proc/meminfo', value)),
    host: host(({ totalRam }) => from(totalRam, '_totalram_pages in RAM', value)),
  },
  'invariant.buddy-within-managed': {
    guest: guest(({ memory }) =>
      from(memory?.zones, ZONEINFO, (zones) =>
        from(memory?.buddy, '/proc/buddyinfo', (free) => {
          const excessive = free.filter((zone) => {
            const pages = zone.freeByOrder.reduce((sum, count, order) => sum + count * 2 ** order, 0)
            return pages > (zones.find((other) => nameOf(other) === nameOf(zone))?.managed ?? 0)
          })
          return value({ violations: excessive.map(nameOf) })
        }),
      ),
    ),
    host: never(IN_GUEST),
  },
  'memblock.reserved': {
    guest: guest(({ memory }) =>
      from(memory?.reserved, 'memblock=debug', (reserved) =>
        from(memory?.nodeRanges, 'the kernel log', (ram) => value(joined(common(ram, reserved)))),
      ),
    ),
    host: never(LOG),
  },
  ...memoryLogObservers,
  'firmware.e820': {
    guest: guest(({ memory }) => from(memory?.e820, 'the kernel log', value)),
    host: never('boot_params are read in the guest'),
  },
  'iomem.memory': {
    guest: guest((view) =>
      from(view.iomem, '/proc/iomem', (lines) =>
        value(lines.filter(({ name }) => MEMORY_RESOURCES.has(name)).map(({ name, start, end }) => ({ name, start, end }))),
      ),
    ),
    host: never('/proc/iomem is read in the guest'),
  },
  'hugetlb.pages': { guest: hugepages((size) => ({ size })), host: never(IN_GUEST) },
  'hugetlb.nodePages': {
    guest: hugepages((part) => {
      const [size = '', node = ''] = part.split('.')
      return { size, node: Number(node.replace(/^node/, '')) }
    }),
    host: never(IN_GUEST),
  },
  'memblock.nodeRanges': { guest: guest(({ memory }) => from(memory?.nodeRanges, 'the kernel log', value)), host: never(LOG) },
}

/** What is in ranges of both lists. */
const common = (ones: readonly Range[], others: readonly Range[]): readonly Range[] =>
  ones.flatMap((one) =>
    others.flatMap((other) => {
      const start = Math.max(fromHex(one.start), fromHex(other.start))
      const end = Math.min(fromHex(one.end), fromHex(other.end))
      return start < end ? [{ start: hex(start), end: hex(end) }] : []
    }),
  )

function joined(ranges: readonly Range[]): readonly Range[] {
  const list: { start: string; end: string }[] = []
  for (const { start, end } of [...ranges].sort((a, b) => fromHex(a.start) - fromHex(b.start))) {
    const last = list.at(-1)
    if (last?.end === start) last.end = end
    else list.push({ start, end })
  }
  return list
}
