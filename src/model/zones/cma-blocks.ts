import { PAGE_SIZE } from '../../shared/units.ts'
import type { BootInput } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import type { NodeZone } from './layout.ts'

/**
 * Page blocks of migratetype CMA in a zone: those of scratch, whole ones since scratch is aligned to more. As
 * pagetypeinfo_showblockcount_print() (mm/vmstat.c, 7.3) counts them: one look each pageblock_nr_pages from the zone's first page on.
 */
export function cmaBlocks(zone: NodeZone, { scratch }: BootedMemory, { build }: BootInput): number {
  if (scratch?.ok !== true) return 0
  const block = 2 ** build.numbers.pageblockOrder
  const looks = (pfn: number): number => Math.max(0, Math.ceil((pfn - zone.start) / block))
  const end = zone.start + zone.spanned
  return scratch.regions.reduce((sum, { start, size }) => {
    const from = Math.min(Math.max(start / PAGE_SIZE, zone.start), end)
    const to = Math.min(Math.max((start + size) / PAGE_SIZE, zone.start), end)
    return sum + looks(to) - looks(from)
  }, 0)
}
