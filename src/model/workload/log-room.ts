import type { Experiment } from '../../shared/documents/index.ts'

/**
 * Records that the kernel log has room for, when memblock=debug prints a line of some 100 bytes for each: CONFIG_LOG_BUF_SHIFT of
 * qemu-images/kernel/lab.config makes 256 KiB, and the rest of a boot wants half of it.
 */
const RECORDS_MAX = 1000

/** Why nothing is said of what only memblock=debug shows, where {@link overflowsLog}. */
export const NO_LOG_ROOM = 'memblock=debug is left out: the kernel log has no room for a line per record of this workload'

/** Whether memblock=debug would push the beginning of a boot out of the kernel log, because a workload preserves so much. */
export function overflowsLog({ workload }: Pick<Experiment, 'workload'>): boolean {
  const most = workload.flat().reduce((sum, step) => {
    if (step.step !== 'allocate') return sum
    switch (step.kind) {
      case 'folio':
        return sum + step.orders.length * step.count
      case 'vmalloc':
        // One by one also where the area is huge: restoring forgets that (kho_restore_vmalloc(), 7.3), so a later hop splits it.
        return sum + step.pages
      case 'contiguous':
        return sum + 2 * Math.ceil(Math.log2(step.pages + 1))
    }
  }, 0)
  return most > RECORDS_MAX
}
