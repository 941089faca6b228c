import { extendScratch, populateScratch, reservePreserved, reviveNamedMemory } from './handover.ts'
import { FIRST_BOOT, type BootStep } from './schedule.ts'

/** A step that a first boot has as well, under this name. */
function as(name: string): BootStep {
  const step = FIRST_BOOT.find((candidate) => candidate.name === name)
  if (step === undefined) throw new RangeError(`a first boot has no step ${name}`)
  return step
}

const KHO = 'kernel/liveupdate/kexec_handover.c'

/**
 * Every reservation of a boot with a handover, in the order of start_kernel() and setup_arch(). Until scratch is extended,
 * which is before the zones are set up, all that is allocated comes from scratch; then also from each GiB in which nothing
 * is preserved. Scratch itself is not reserved: what is left of it is free memory.
 */
export const KHO_BOOT: readonly BootStep[] = [
  as('kernel image'),
  as('first 64 KiB'),
  as('initrd'),
  as('setup data'),
  as('BIOS area'),
  { name: 'scratch handed over', basis: { function: 'kho_populate', file: KHO, release: '7.3' }, run: populateScratch },
  as('brk'),
  as('RAM'),
  as('real-mode trampoline'),
  as('direct map'),
  as('log buffer asked for'),
  as('nodes of memory'),
  as('node data'),
  as('crash kernel'),
  as('HPET resource'),
  as('IO-APIC resource'),
  as('RAM resources'),
  as('firmware map entries'),
  { name: 'scratch extended', basis: { function: 'kho_extend_scratch', file: KHO, release: '7.3' }, run: extendScratch },
  as('data of nodes without memory'),
  as('count of free pages'),
  as('gigantic pages'),
  as('memory sections'),
  as('memory map'),
  as('command line, saved and parsed'),
  as('percpu areas'),
  {
    name: 'reserve_mem, revived',
    basis: { function: 'reserve_mem_kho_revive', file: 'mm/memblock.c', release: '7.3' },
    run: reviveNamedMemory,
  },
  as('log buffer for many CPUs'),
  as('dentry hash'),
  as('inode hash'),
  as('CPU entry areas'),
  as('bounce buffers'),
  { name: 'preserved memory', basis: { function: 'kho_mem_retrieve', file: KHO, release: '7.3' }, run: reservePreserved },
]
