import type { Experiment, WorkloadStep } from '../../shared/documents/index.ts'
import { PAGE_SIZE } from '../../shared/units.ts'

/**
 * Records that the kernel log has room for, when memblock=debug prints a line of some 100 bytes for each: CONFIG_LOG_BUF_SHIFT of
 * qemu-images/kernel/lab.config makes 256 KiB, and the rest of a boot wants half of it.
 */
const RECORDS_MAX = 1000

/** Why nothing is said of what only memblock=debug shows, where {@link overflowsLog}. */
export const NO_LOG_ROOM = 'memblock=debug is left out: the kernel log has no room for a line per record of this workload'

/** Whether memblock=debug would push the beginning of a boot out of the kernel log, because so much is preserved. */
export function overflowsLog({ workload, selftest }: Pick<Experiment, 'workload' | 'selftest'>): boolean {
  // 500 memfds of a page (luo_stress_files.c, 7.3), each with three pages of KHO's and LUO's own.
  if (selftest === 'liveupdate/luo_stress_files') return true
  return workload.flat().reduce((sum, step) => sum + recordsOf(step), 0) > RECORDS_MAX
}

/** At most so many records does a step make. */
function recordsOf(step: WorkloadStep): number {
  if (step.step === 'luoCreate') return step.memfds.reduce((sum, { size }) => sum + size / PAGE_SIZE, 0)
  if (step.step !== 'allocate') return 0
  switch (step.kind) {
    case 'folio':
      return step.orders.length * step.count
    case 'vmalloc':
      // One by one also where the area is huge: restoring forgets that (kho_restore_vmalloc(), 7.3), so a later hop splits it.
      return step.pages
    case 'contiguous':
      return 2 * Math.ceil(Math.log2(step.pages + 1))
  }
}
