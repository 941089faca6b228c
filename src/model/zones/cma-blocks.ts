import { err, ok, type Result } from '../../shared/result.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import type { BootInput } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import type { NodeZone } from './layout.ts'

/**
 * Page blocks of migratetype CMA in a zone: those of scratch, whole ones since scratch is aligned to more. As
 * pagetypeinfo_showblockcount_print() (mm/vmstat.c, 7.3) counts them: one look each pageblock_nr_pages from the zone's first page on.
 */
export function cmaBlocks(zone: NodeZone, { scratch }: BootedMemory, { build }: BootInput): Result<number> {
  if (scratch === undefined) return ok(0)
  if (!scratch.ok) return scratch.region === 'lowmem' ? ok(0) : err(DANGLING)
  const block = 2 ** build.numbers.pageblockOrder
  const looks = (pfn: number): number => Math.max(0, Math.ceil((pfn - zone.start) / block))
  const end = zone.start + zone.spanned
  const blocks = scratch.regions.reduce((sum, { start, size }) => {
    const from = Math.min(Math.max(start / PAGE_SIZE, zone.start), end)
    const to = Math.min(Math.max((start + size) / PAGE_SIZE, zone.start), end)
    return sum + looks(to) - looks(from)
  }, 0)
  return ok(blocks)
}

/**
 * kho_reserve_scratch() (kernel/liveupdate/kexec_handover.c, 7.3) gives its array back where a region has no room, but keeps pointer
 * and count, and pageblock_migratetype_init_range() (mm/mm_init.c) asks kho_scratch_overlap() all the same. Before the first region
 * the array is all zeros.
 */
const DANGLING =
  'scratch did not fit, and page blocks that are initialised late are then of what memory that was freed still says: a use after free in kho_scratch_overlap()'
