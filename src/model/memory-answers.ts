import { err, ok, type Result } from '../shared/result.ts'
import { hex } from '../shared/units.ts'
import type { Range, SubjectValues } from '../shared/documents/index.ts'
import type { BootedMemory } from './boot/schedule.ts'
import { toRange, type Span } from './firmware-map.ts'
import { FLAG, hasFlag } from './memblock/flags.ts'
import { freedLines, hashTables, memoryLine, percpuLine, zonelistsLine } from './log/boot-lines.ts'
import { zoneLines } from './log/zone-lines.ts'
import { giganticPages, hugePages, HUGE_SIZE } from './zones/hugepages.ts'
import { memoryResources } from './zones/resources.ts'
import { cmaBlocks } from './zones/cma-blocks.ts'
import { regionsKept, reserveMemLines } from './zones/named-memory.ts'
import { totalRam, type ZonePages } from './zones/pages.ts'
import type { RunningMemory } from './zones/running.ts'

/** The part of a claim that is about one zone. */
export const partOf = ({ node, zone }: Pick<ZonePages, 'node' | 'zone'>): string => `node${node}.${zone}`

const ofZone = <T>({ zones }: RunningMemory, part: string | undefined, answer: (zone: ZonePages) => T): Result<T> => {
  const zone = zones.find((candidate) => partOf(candidate) === part)
  return zone === undefined ? err(`there is no zone ${part ?? 'without a name'}`) : ok(answer(zone))
}

function scratchList(
  { scratch }: BootedMemory,
  field: (region: { readonly start: number; readonly size: number }) => number,
): Result<readonly string[]> {
  if (scratch === undefined) return err('KHO is off')
  return scratch.ok
    ? ok(scratch.regions.map((region) => hex(field(region))))
    : err(`there is no room for ${scratch.region} of scratch`)
}

const markedAsScratch = ({ memblock: { memory } }: BootedMemory): readonly Range[] =>
  joined(
    memory.regions
      .filter(({ flags }) => hasFlag(flags, FLAG.KHO_SCRATCH))
      .map(({ base, size }) => ({ start: base, end: base + size })),
  ).map(toRange)

/** Firmware tables outside of RAM are reserved as well, and are nobody's to give away. */
const reservedRam = ({ memblock: { memory, reserved } }: BootedMemory): readonly Span[] =>
  joined(
    memory.regions.flatMap((ram) =>
      reserved.regions.flatMap(({ base, size }) => {
        const start = Math.max(base, ram.base)
        const end = Math.min(base + size, ram.base + ram.size)
        return start < end ? [{ start, end }] : []
      }),
    ),
  )

const joined = (spans: readonly Span[]): readonly Span[] => {
  const list: { start: number; end: number }[] = []
  for (const { start, end } of spans) {
    const last = list.at(-1)
    if (last !== undefined && last.end === start) last.end = end
    else list.push({ start, end })
  }
  return list
}

/** What the memory of a running kernel says about each subject. */
export const MEMORY_ANSWERS = {
  'zone.managed': (memory: RunningMemory, part?: string) => ofZone(memory, part, ({ managed }) => managed),
  'zone.cma': (memory: RunningMemory, part?: string) => ofZone(memory, part, ({ cma }) => cma),
  'zone.cmaBlocks': (memory: RunningMemory, part?: string) => {
    const blocks = ofZone(memory, part, (zone) => cmaBlocks(zone, memory.booted, memory.input))
    return blocks.ok ? blocks.value : blocks
  },
  'zone.totalRam': ({ zones }: RunningMemory) => ok(hex(totalRam(zones))),
  'boot.kho': ({ booted }: RunningMemory) => ok(booted.scratch?.ok === true),
  'scratch.sizes': ({ booted }: RunningMemory) => scratchList(booted, ({ size }) => size),
  'scratch.addresses': ({ booted }: RunningMemory) => scratchList(booted, ({ start }) => start),
  'scratch.extended': ({ booted }: RunningMemory) => ok(markedAsScratch(booted)),
  'memblock.reserved': ({ booted }: RunningMemory) => ok(reservedRam(booted).map(toRange)),
  'memblock.nodeRanges': ({ booted }: RunningMemory) =>
    ok(booted.memblock.memory.regions.map(({ base, size, nid }) => ({ node: nid, start: hex(base), end: hex(base + size) }))),
  'log.zones': (memory: RunningMemory) => ok(zoneLines(memory)),
  'log.zonelists': (memory: RunningMemory) => ok(zonelistsLine(memory)),
  'log.percpu': (memory: RunningMemory) => ok(percpuLine(memory)),
  'log.hashTables': (memory: RunningMemory) => ok(hashTables(memory)),
  'log.memory': (memory: RunningMemory) => ok(memoryLine(memory)),
  'log.freed': (memory: RunningMemory) => ok(freedLines(memory)),
  'hugetlb.pages': (memory: RunningMemory, part = '') =>
    part === HUGE_SIZE ? hugePages(memory) : ok(giganticPages(memory, part, undefined)),
  'hugetlb.nodePages': (memory: RunningMemory, part = '') => {
    const [size = '', node = ''] = part.split('.node')
    return ok(giganticPages(memory, size, Number(node)))
  },
  'tree.regions': ({ booted }: RunningMemory) => ok(regionsKept(booted)),
  'handover.reserveMem': ({ booted }: RunningMemory) =>
    ok(
      booted.named.flatMap(({ name, start, size }) =>
        start === undefined ? [] : [{ name, start: hex(start), size: hex(size) }],
      ),
    ),
  'log.reserveMem': ({ booted, input }: RunningMemory) => ok(reserveMemLines(booted, input.options.kho)),
  'iomem.memory': (memory: RunningMemory) => ok(memoryResources(memory)),
} satisfies { readonly [S in keyof SubjectValues]?: (memory: RunningMemory, part?: string) => Result<SubjectValues[S]> }

export type MemoryAnswer = keyof typeof MEMORY_ANSWERS
