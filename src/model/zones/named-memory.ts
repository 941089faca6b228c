import { PAGE_SIZE, roundDown } from '../../shared/units.ts'
import type { BootedMemory } from '../boot/schedule.ts'

type Named = Pick<BootedMemory, 'named' | 'scratch'>

/**
 * Whether reserve_mem_init() (mm/memblock.c, 7.3) hands the regions over: kho_preserve_pages() of a kernel with
 * CONFIG_KEXEC_HANDOVER_DEBUG refuses one inside scratch, and then none of them is.
 */
export const regionsKept = ({ named, scratch }: Named): boolean =>
  !named.some(({ start, size }) => start !== undefined && overlapsScratch(scratch, start, size))

/** kho_scratch_overlap() (kernel/liveupdate/kexec_handover.c, 7.3), of the whole pages that are preserved. */
function overlapsScratch(scratch: Named['scratch'], start: number, size: number): boolean {
  if (scratch?.ok !== true) return false
  const first = roundDown(start, PAGE_SIZE)
  const end = first + roundDown(size, PAGE_SIZE)
  return scratch.regions.some((region) => first < region.start + region.size && end > region.start)
}

/** What the kernel says of reserve_mem regions on a boot with a handover; -22 is EINVAL. */
export const reserveMemLines = (memory: Named, handsOver: boolean): readonly string[] => [
  ...memory.named.flatMap(({ said }) => said ?? []),
  ...(handsOver && !regionsKept(memory) ? ['failed to prepare memblock FDT for KHO: -22'] : []),
]
