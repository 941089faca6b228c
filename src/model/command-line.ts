import type { Experiment } from '../shared/documents/index.ts'
import { overflowsLog } from './workload/log-room.ts'
import { GiB, KiB, MiB } from '../shared/units.ts'

/** Largest size with K, M or G that memparse() (lib/cmdline.c) reads back exactly; plain bytes when there is none. */
function kernelSize(value: number): string {
  for (const [unit, suffix] of [
    [GiB, 'G'],
    [MiB, 'M'],
    [KiB, 'K'],
  ] as const) {
    if (value >= unit && value % unit === 0) return `${value / unit}${suffix}`
  }
  return `${value}`
}

/** A kernel that dies before console_init() says so nowhere else. */
const EARLY_CONSOLE = 'earlycon=uart8250,io,0x3f8,115200'

/**
 * Under TCG on a busy host the ticks that check_timer() (arch/x86/kernel/apic/io_apic.c, 7.3) waits for can come too late, and the
 * kernel panics: "IO-APIC + timer doesn't work". A kernel that finds itself under KVM sets this by itself.
 */
const NO_TIMER_CHECK = 'no_timer_check'

/**
 * The whole command line of boot `hop` (0 is the first boot). The only place where one is made: the first boot gets it from
 * QEMU, the others from kexec_file_load. Every boot repeats the KHO options, because a kernel consumes a handover without
 * `kho=on` but produces none (kho_fill_kimage(), 7.3) and revives a reserve_mem region only when asked for it again.
 */
export function commandLine(experiment: Experiment, hop: number): string {
  if (experiment.commandLine !== undefined) return experiment.commandLine
  const { kho, hugepages } = experiment
  return [
    'console=ttyS0',
    'panic=-1',
    ...(experiment.accelerator === 'kvm' ? [] : [NO_TIMER_CHECK]),
    ...(overflowsLog(experiment) ? [] : ['memblock=debug']),
    `kho=${kho.enabled ? 'on' : 'off'}`,
    ...(kho.liveupdate ? ['liveupdate=on'] : []),
    ...(kho.scratch === undefined ? [] : [`kho_scratch=${kho.scratch}`]),
    ...experiment.reserveMem.map(({ size, align, name }) => `reserve_mem=${kernelSize(size)}:${kernelSize(align)}:${name}`),
    ...(hugepages === undefined ? [] : [`hugepagesz=${kernelSize(hugepages.size)}`, `hugepages=${hugepages.count}`]),
    ...(experiment.faults.some((fault) => fault.hop === hop && fault.fault === 'radix-root') ? [EARLY_CONSOLE] : []),
    experiment.kernels[hop]?.cmdline.trim() ?? '',
  ]
    .filter((option) => option !== '')
    .join(' ')
}
