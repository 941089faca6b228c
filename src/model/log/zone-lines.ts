import { PAGE_SIZE, roundUp } from '../../shared/units.ts'
import { presentSections, sectionSize } from '../boot/memory-map.ts'
import { possibleNodes } from '../boot/numa-init.ts'
import type { Region } from '../memblock/regions.ts'
import { nodeZones, zoneRanges, type ZoneName } from '../zones/layout.ts'
import type { RunningMemory } from '../zones/running.ts'

/** %#018Lx */
const address = (value: number): string => `0x${value.toString(16).padStart(16, '0')}`
const memRange = (start: number, end: number): string => `[mem ${address(start)}-${address(end - 1)}]`

/** What free_area_init() and memmap_init() print (mm/mm_init.c, 7.3), in order. */
export function zoneLines(memory: RunningMemory): readonly string[] {
  const { booted, input } = memory
  const { regions } = booted.memblock.memory
  const ranges = zoneRanges(regions, input.build.options)
  return [
    'Zone ranges:',
    ...ranges.map(({ zone, start, end }) =>
      start === end ? `  ${zone.padEnd(8)} empty` : `  ${zone.padEnd(8)} ${memRange(start * PAGE_SIZE, end * PAGE_SIZE)}`,
    ),
    'Movable zone start for each node',
    'Early memory node ranges',
    ...regions.map(({ base, size, nid }) => `  node ${String(nid).padStart(3)}: ${memRange(base, base + size)}`),
    ...possibleNodes(memory).map((nid) => initmemLine(regions, nid)),
    ...unavailable(memory).map(({ node, zone, pages }) => `On node ${node}, zone ${zone}: ${pages} pages in unavailable ranges`),
  ]
}

function initmemLine(regions: readonly Region[], nid: number): string {
  const own = regions.filter((region) => region.nid === nid)
  const start = Math.min(...own.map(({ base }) => base))
  const end = Math.max(...own.map(({ base, size }) => base + size))
  return own.length === 0 ? `Initmem setup node ${nid} as memoryless` : `Initmem setup node ${nid} ${memRange(start, end)}`
}

interface Unavailable {
  readonly node: number
  readonly zone: ZoneName
  readonly pages: number
}

/** Holes of memory for whose pages there is a struct page: init_unavailable_range(). */
function unavailable({ booted, input }: RunningMemory): readonly Unavailable[] {
  const { memblock } = booted
  const { regions } = memblock.memory
  const section = sectionSize({ input }) / PAGE_SIZE
  const sections = presentSections({ input, memblock })
  const zones = nodeZones(regions, zoneRanges(regions, input.build.options))
  const found: Unavailable[] = []
  const look = (from: number, to: number, node: number, zone: ZoneName): void => {
    const pages = validPages(from, to, section, sections)
    if (pages > 0) found.push({ node, zone, pages })
  }
  let hole = 0
  let last: { node: number; zone: ZoneName } | undefined
  for (const { base, size, nid } of regions) {
    for (const { node, zone, start, spanned } of zones.filter((candidate) => candidate.node === nid)) {
      last = { node, zone }
      const from = Math.min(Math.max(base / PAGE_SIZE, start), start + spanned)
      const to = Math.min(Math.max((base + size) / PAGE_SIZE, start), start + spanned)
      if (from >= to) continue
      if (hole < from) look(hole, from, node, zone)
      hole = to
    }
  }
  const end = roundUp(
    regions.reduce((_end, { base, size }) => (base + size) / PAGE_SIZE, 0),
    section,
  )
  if (last !== undefined && hole < end) look(hole, end, last.node, last.zone)
  return found
}

/** for_each_valid_pfn(): page frames of sections that hold any memory. */
const validPages = (from: number, to: number, section: number, sections: ReturnType<typeof presentSections>): number =>
  sections.reduce((sum, run) => sum + Math.max(0, Math.min(run.to * section, to) - Math.max(run.from * section, from)), 0)
