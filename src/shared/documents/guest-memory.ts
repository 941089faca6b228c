import { z } from 'zod'
import { Hex, MapEntry, Range, reading } from './common.ts'

const Count = z.int().min(0)
const ofZone = { node: z.int().min(0), zone: z.string() }

/** What a guest says of its memory: of how it came up, in the kernel log, and of what it is now. */
export const GuestMemory = z.object({
  /** /proc/zoneinfo, in pages; zones without memory have no first page frame. */
  zones: reading(
    z.array(
      z.object({
        ...ofZone,
        free: Count,
        spanned: Count,
        present: Count,
        managed: Count,
        cma: Count,
        startPfn: Count.optional(),
      }),
    ),
  ),
  /** /proc/buddyinfo: free blocks by order. */
  buddy: reading(z.array(z.object({ ...ofZone, freeByOrder: z.array(Count) }))),
  /** /proc/pagetypeinfo: page blocks by migratetype. */
  pageBlocks: reading(z.array(z.object({ ...ofZone, blocks: z.record(z.string(), Count) }))),
  /** MemTotal of /proc/meminfo in bytes. */
  total: reading(Hex),
  /** The firmware's map as the kernel log has it (`BIOS-e820`). */
  e820: reading(z.array(MapEntry)),
  /** `Early memory node ranges`. */
  nodeRanges: reading(z.array(Range.extend({ node: z.int().min(0) }))),
  /** What the kernel log says of memory: the lines that are claimed of it, in order and without time stamps. */
  lines: reading(z.array(z.string())),
  /** nr_hugepages in sysfs: by size on all nodes, and of each node. */
  hugepages: reading(z.array(z.object({ size: z.string(), node: z.int().min(0).optional(), pages: Count }))),
  /** Reserved memory when the page allocator took over, from what memblock=debug printed. */
  reserved: reading(z.array(Range)),
})
export type GuestMemory = z.infer<typeof GuestMemory>
