import { PAGE_SHIFT, PAGE_SIZE, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'

/** 2^order pages at start, as one key of the tracker. */
export interface Preserved {
  readonly start: PhysAddr
  readonly order: number
}

/** The NUMA node of a page frame number (pfn_to_nid). */
export type NodeOf = (pfn: number) => number

/**
 * The records that kho_preserve_pages() makes of a contiguous range: the largest order that start's alignment and the rest
 * of the range allow, lowered until its first and last page are on one node (__kho_preserve_pages_order(),
 * kernel/liveupdate/kexec_handover.c, 7.1 to 7.3).
 * `start` is rounded down to a page, the page count is floor(size / 4096): as reserved_mem_preserve() (mm/memblock.c, 7.3)
 * calls it, so the last part of a size that is no page multiple is not preserved.
 * Throws RangeError for page frame 0, which the kernel can never preserve (no allocation returns it).
 */
export function preserveRange(start: number, size: number, nodeOf?: NodeOf): Preserved[] {
  let pfn = Math.floor(start / PAGE_SIZE)
  if (pfn === 0) throw new RangeError('page frame 0 cannot be preserved')
  const end = pfn + Math.floor(size / PAGE_SIZE)
  const records: Preserved[] = []
  while (pfn < end) {
    let order = Math.min(trailingZeros(pfn), floorLog2(end - pfn))
    while (nodeOf !== undefined && nodeOf(pfn) !== nodeOf(pfn + 2 ** order - 1)) order--
    records.push({ start: physAddr(pfn * PAGE_SIZE), order })
    pfn += 2 ** order
  }
  return records
}

/** Bytes of a record of this order. */
export const orderBytes = (order: number): number => 2 ** (order + PAGE_SHIFT)

/** Exact for every positive safe integer, which 32-bit operators are not. */
function trailingZeros(value: number): number {
  let zeros = 0
  for (let rest = value; rest % 2 === 0; rest /= 2) zeros++
  return zeros
}

function floorLog2(value: number): number {
  let log = 0
  for (let power = 2; power <= value; power *= 2) log++
  return log
}
