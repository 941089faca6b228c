import { PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import type { BootInput } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import type { Span } from '../firmware-map.ts'
import { NO_NODE, isNode } from '../memblock/regions.ts'
import { nodeZones, zoneRanges, type NodeZone } from './layout.ts'
import { RELEASED } from './released.ts'

/** A zone as /proc/zoneinfo has it once the kernel runs; numbers of pages. */
export interface ZonePages extends NodeZone {
  /** Pages that belong to the page allocator, free or not. */
  readonly managed: number
  /** zone->cma_pages: counted where scratch is released page block by page block, which a boot with a handover does not do. */
  readonly cma: number
}

const overlap = (zone: NodeZone, { start, end }: Span): number =>
  Math.max(0, Math.min(end / PAGE_SIZE, zone.start + zone.spanned) - Math.max(start / PAGE_SIZE, zone.start))

/**
 * memblock_free_all() (mm/memblock.c, 7.3), and what is released later. With deferred initialisation of struct pages
 * (deferred_init_memmap(), mm/mm_init.c) the same ranges come in two parts, so nothing changes in the end.
 */
export function zonePages(booted: BootedMemory, input: BootInput): readonly ZonePages[] {
  const { memblock } = booted
  const memory = memblock.memory.regions.filter(({ nid }) => isNode(nid))
  const zones = nodeZones(memory, zoneRanges(memory, input.build.options))
  const managed = new Map<NodeZone, number>()
  const cma = new Map<NodeZone, number>()
  const add = (counts: Map<NodeZone, number>, node: number, span: Span): void => {
    for (const zone of zones.filter((candidate) => candidate.node === node))
      counts.set(zone, (counts.get(zone) ?? 0) + overlap(zone, span))
  }
  for (const node of new Set(memory.map(({ nid }) => nid))) {
    for (const span of freePages(booted, node)) add(managed, node, span)
  }
  for (const { name, spans } of RELEASED) {
    for (const span of spans(booted, input)) {
      for (const part of byNode(memory, span)) {
        add(managed, part.node, part)
        if (name === 'scratch') add(cma, part.node, part)
      }
    }
  }
  return zones.map((zone) => ({ ...zone, managed: managed.get(zone) ?? 0, cma: cma.get(zone) ?? 0 }))
}

/** Pages of the page allocator by the time of the kernel's `Memory:` line. */
export function pagesWhenCounted(booted: BootedMemory, input: BootInput): number {
  const early = RELEASED.filter((release) => release.early).flatMap(({ spans }) => spans(booted, input))
  const spans = [...freePages(booted, NO_NODE), ...early]
  return spans.reduce((sum, { start, end }) => sum + (end - start) / PAGE_SIZE, 0)
}

/** Whole pages that memblock_free_all() gives away. */
function freePages({ memblock }: BootedMemory, nid: number): readonly Span[] {
  const pages: Span[] = []
  for (const { start, end } of memblock.freeRanges(nid, false)) {
    const span = { start: roundUp(start, PAGE_SIZE), end: roundDown(end, PAGE_SIZE) }
    if (span.start < span.end) pages.push(span)
  }
  return pages
}

/** A span cut where memory changes its node. */
function byNode(
  memory: readonly { readonly base: number; readonly size: number; readonly nid: number }[],
  { start, end }: Span,
): readonly (Span & { readonly node: number })[] {
  return memory.flatMap(({ base, size, nid }) => {
    const part = { start: Math.max(start, base), end: Math.min(end, base + size), node: nid }
    return part.start < part.end ? [part] : []
  })
}

/** totalram_pages() in bytes: MemTotal of /proc/meminfo. */
export const totalRam = (zones: readonly ZonePages[]): number => zones.reduce((sum, { managed }) => sum + managed, 0) * PAGE_SIZE
