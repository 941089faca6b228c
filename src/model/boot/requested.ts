import { GiB, MiB, PAGE_SIZE } from '../../shared/units.ts'
import { FLAG } from '../memblock/flags.ts'
import type { BootState } from './input.ts'
import { memoryNodes } from './numa-init.ts'

/** CRASH_ALIGN, CRASH_ADDR_LOW_MAX and CRASH_ADDR_HIGH_MAX (arch/x86/include/asm/crash_reserve.h, 7.3) */
const CRASH_ALIGN = 16 * MiB
const CRASH_LOW_MAX = 4 * GiB
const CRASH_HIGH_MAX = 64 * 1024 * GiB

/** crash_low_size_default(): bounce buffers and 8 MiB, at least 256 MiB. */
const defaultLowSize = ({ input }: BootState): number => Math.max(input.build.numbers.ioTlbDefaultSize + 8 * MiB, 256 * MiB)

/** reserve_crashkernel_generic() (kernel/crash_reserve.c, 7.3): below 4 GiB, else above with a part below. */
export function reserveCrashkernel(state: BootState): void {
  const {
    memblock,
    input: {
      early: { crashkernel },
    },
  } = state
  if (crashkernel === undefined) return
  const ram = memblock.memory.totalSize()
  const size = crashkernel.size(ram)
  if (size === 0 || size >= ram) return
  const { offset, high } = crashkernel
  const below = { start: 0, end: CRASH_LOW_MAX, lowSize: crashkernel.low ?? (high ? defaultLowSize(state) : 0) }
  const above = { start: CRASH_LOW_MAX, end: CRASH_HIGH_MAX, lowSize: high ? below.lowSize : defaultLowSize(state) }
  const fixed = { start: offset ?? 0, end: (offset ?? 0) + size, lowSize: below.lowSize }
  const tries = offset !== undefined ? [fixed] : high ? [above, below] : [below, above]
  for (const { start, end, lowSize } of tries) {
    const base = memblock.alloc({ size, align: CRASH_ALIGN, start, end })
    if (base === undefined) continue
    if (base < CRASH_LOW_MAX || lowSize === 0) return
    if (memblock.alloc({ size: lowSize, align: CRASH_ALIGN, start: 0, end: CRASH_LOW_MAX }) === undefined)
      memblock.free(base, size)
    return
  }
}

/** hugetlb_bootmem_alloc() (mm/hugetlb.c, 7.3): pages that are too large for the page allocator, node after node. */
export function allocateGiganticPages(state: BootState): void {
  for (const { size, count, perNode } of state.input.early.giganticPages) {
    if (size === GiB && !state.input.processor.gbpages) continue
    const nodes = memoryNodes(state)
    if (perNode.size > 0) {
      for (const nid of nodes)
        allocatePages(
          state,
          size,
          Array.from({ length: perNode.get(nid) ?? 0 }, () => nid),
          true,
        )
    } else {
      allocatePages(
        state,
        size,
        Array.from({ length: count }, (_unused, index) => nodes[index % nodes.length] ?? 0),
        false,
      )
    }
  }
}

/** Stops at the first page that does not fit. Only the head's struct page will be initialised with the others. */
function allocatePages({ memblock }: BootState, size: number, nids: readonly number[], exact: boolean): void {
  for (const nid of nids) {
    const page = memblock.allocHugetlb(size, nid, exact)
    if (page === undefined) return
    memblock.setFlag(memblock.reserved, page + PAGE_SIZE, size - PAGE_SIZE, FLAG.RSRV_NOINIT)
  }
}

/** reserve_mem() (mm/memblock.c, 7.3) on a boot without handover; what does not fit is left out. */
export function reserveNamedMemory({ memblock, input }: BootState): void {
  for (const { size, align } of input.options.reserveMem) memblock.alloc({ size, align })
}
