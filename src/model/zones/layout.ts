import { GiB, PAGE_SIZE } from '../../shared/units.ts'
import type { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { MAX_DMA } from '../boot/memory-map.ts'
import type { Region } from '../memblock/regions.ts'

/** Names as /proc/zoneinfo has them, ascending in memory. ZONE_MOVABLE has pages only with options that are not modelled. */
export type ZoneName = 'DMA' | 'DMA32' | 'Normal'

/** All page frames of one kind, on any node: arch_zone_lowest_possible_pfn and arch_zone_highest_possible_pfn. */
export interface ZoneRange {
  readonly zone: ZoneName
  readonly start: number
  /** Exclusive; the start where no memory can be in it. */
  readonly end: number
}

/** A zone of a node; page frames and numbers of pages. */
export interface NodeZone {
  readonly node: number
  readonly zone: ZoneName
  readonly start: number
  /** Pages between its first and its last one, holes included. */
  readonly spanned: number
  readonly present: number
}

const toPfn = (address: number): number => Math.floor(address / PAGE_SIZE)

type Memory = readonly Pick<Region, 'base' | 'size' | 'nid'>[]

/** free_area_init() (mm/mm_init.c, 7.3) with arch_zone_limits_init() (arch/x86/mm/init.c, 7.3). */
export function zoneRanges(memory: Memory, options: KernelBuildFacts['options']): readonly ZoneRange[] {
  const first = toPfn(memory[0]?.base ?? 0)
  const last = memory.reduce((end, { base, size }) => Math.max(end, toPfn(base + size)), 0)
  const limits: readonly (readonly [ZoneName, number])[] = [
    ...(options.includes('ZONE_DMA') ? [['DMA', Math.min(toPfn(MAX_DMA), last)] as const] : []),
    ...(options.includes('ZONE_DMA32') ? [['DMA32', Math.min(toPfn(4 * GiB), last)] as const] : []),
    ['Normal', last],
  ]
  let start = first
  return limits.map(([zone, limit]) => {
    const end = Math.max(limit, start)
    const range = { zone, start, end }
    start = end
    return range
  })
}

/** calculate_node_totalpages() (mm/mm_init.c, 7.3) for every node with memory: its zones that have pages. */
export function nodeZones(memory: Memory, ranges: readonly ZoneRange[]): readonly NodeZone[] {
  const nodes = [...new Set(memory.map(({ nid }) => nid))].sort((a, b) => a - b)
  return nodes.flatMap((node) => {
    const own = memory
      .filter(({ nid }) => nid === node)
      .map(({ base, size }) => ({ start: toPfn(base), end: toPfn(base + size) }))
    const nodeStart = Math.min(...own.map(({ start }) => start))
    const nodeEnd = Math.max(...own.map(({ end }) => end))
    return ranges.flatMap(({ zone, ...range }) => {
      const start = Math.max(range.start, nodeStart)
      const end = Math.min(range.end, nodeEnd)
      const present = own.reduce((sum, span) => sum + Math.max(0, Math.min(span.end, end) - Math.max(span.start, start)), 0)
      // populated_zone() asks for present pages: /proc/zoneinfo has no first page frame for others.
      return present > 0 ? [{ node, zone, start, spanned: end - start, present }] : []
    })
  })
}
