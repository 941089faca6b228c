import type { MapEntry, Range } from './common.ts'

/** A zone of a node by the names of /proc/zoneinfo. */
export type ZoneOfNode = { readonly node: number; readonly zone: string }

/**
 * Subjects of the memory that a kernel has once it runs. Those with a part are claimed once for each zone that has pages:
 * `node0.DMA32`. Numbers are pages unless something else is said.
 */
export interface MemorySubjects {
  /** Zones that have pages, by node and then address. Guest: /proc/zoneinfo. */
  'zone.populated': readonly ZoneOfNode[]
  /** Of one zone. Guest: /proc/zoneinfo. */
  'zone.span': { readonly startPfn: number; readonly spanned: number; readonly present: number }
  /** Of one zone: pages of the page allocator. Guest: /proc/zoneinfo. */
  'zone.managed': number
  /** Of one zone: zone->cma_pages. Guest: /proc/zoneinfo. */
  'zone.cma': number
  /** Of one zone: page blocks of migratetype CMA. Guest: /proc/pagetypeinfo. */
  'zone.cmaBlocks': number
  /** MemTotal in bytes, hexadecimal. Guest: /proc/meminfo. Host: _totalram_pages in RAM. */
  'zone.totalRam': string
  /** Guest: zones, as `node0.DMA32`, whose free pages of /proc/buddyinfo are more than those of the page allocator. */
  'invariant.buddy-within-managed': { readonly violations: readonly string[] }
  /**
   * All RAM that is reserved when the page allocator takes over, ranges that touch joined, ascending. Guest: the list and the
   * changes to it that memblock=debug printed, inside of `Early memory node ranges`.
   */
  'memblock.reserved': readonly Range[]
  /** `Early memory node ranges` of the kernel log, in its order: memory by node, cut where its memblock flags change. */
  'memblock.nodeRanges': readonly (Range & { readonly node: number })[]

  /** The map that boot_params hands to this kernel. Guest: `BIOS-e820` lines of the kernel log. */
  'firmware.e820': readonly MapEntry[]
  /**
   * /proc/iomem: `System RAM`, `Reserved`, `RAM buffer`, `Kernel code`, `Kernel rodata`, `Kernel data`, `Kernel bss` and
   * `Crash kernel`, in its order. What devices have is left out.
   */
  'iomem.memory': readonly (Range & { readonly name: string })[]
  /** Huge pages of one size (`2048kB`) on all nodes: nr_hugepages in sysfs. */
  'hugetlb.pages': number
  /** Huge pages of one size on one node (`1048576kB.node0`): nr_hugepages of the node in sysfs. */
  'hugetlb.nodePages': number

  /** Lines of the kernel log, without time stamps, from `Zone ranges:` to `pages in unavailable ranges`, in their order. */
  'log.zones': readonly string[]
  /** The line `Built … zonelists`. */
  'log.zonelists': string
  /** The line `percpu: Embedded …`. */
  'log.percpu': string
  /** Hash tables of dentries, inodes and mounts. */
  'log.hashTables': readonly { readonly name: string; readonly entries: number; readonly bytes: number }[]
  /** The line `Memory:` in KiB, but for the free pages at its beginning. */
  'log.memory': {
    readonly total: number
    readonly kernelCode: number
    readonly rwdata: number
    readonly rodata: number
    readonly init: number
    readonly bss: number
    readonly reserved: number
    readonly cmaReserved: number
  }
  /** Lines `Freeing … memory: …K`, sorted. */
  'log.freed': readonly string[]
  /** Lines of KHO until the kernel has started, in their order. */
  'log.kho': readonly string[]
  /** Boots with a handover: what the kernel says of its reserve_mem regions, in the order of the log. */
  'log.reserveMem': readonly string[]
}
