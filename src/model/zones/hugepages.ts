import { err, ok, type Result } from '../../shared/result.ts'
import { KiB, PAGE_SIZE } from '../../shared/units.ts'
import { FLAG, hasFlag } from '../memblock/flags.ts'
import { pagesWhenCounted } from './pages.ts'
import type { RunningMemory } from './running.ts'

export const HUGE_SIZE = '2048kB'
export const GIGANTIC_SIZE = '1048576kB'

/**
 * Pages of 2 MiB on all nodes (hugetlb_hstate_alloc_pages(), mm/hugetlb.c, 7.3). They come from the page allocator, which has nearly
 * all of its memory free by then: it has as many as are asked for, as long as that is not more than half of it.
 */
export function hugePages({ booted, input }: RunningMemory): Result<number> {
  const asked = input.early.hugePages
  if (asked === undefined) return err('how pages of 2 MiB are taken from certain nodes is not modelled')
  return (asked * bytesOf(HUGE_SIZE)) / PAGE_SIZE <= pagesWhenCounted(booted, input) / 2
    ? ok(asked)
    : err('how many pages of 2 MiB the page allocator has left depends on all that was allocated before')
}

/** Bytes of a size as sysfs names it: `1048576kB`. */
const bytesOf = (size: string): number => Number.parseInt(size, 10) * KiB

/**
 * Gigantic pages of a size that a boot got from memblock, on one node or on all: gather_bootmem_prealloc() (mm/hugetlb.c, 7.3) takes
 * what hugetlb_bootmem_alloc() reserved.
 */
export function giganticPages({ booted }: RunningMemory, size: string, node: number | undefined): number {
  const { memory, reserved } = booted.memblock
  let bytes = 0
  for (const region of reserved.regions.filter(({ flags }) => hasFlag(flags, FLAG.RSRV_HUGETLB))) {
    const nid = memory.regions[memory.firstEndingAbove(region.base)]?.nid
    if (node === undefined || node === nid) bytes += region.size
  }
  return bytes / bytesOf(size)
}
