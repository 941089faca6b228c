import type { MemorySubjects } from '../../shared/documents/index.ts'
import { fromHex, GiB, hex, MiB, PAGE_SIZE, roundUp } from '../../shared/units.ts'
import { symbolAt } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import type { Span } from '../firmware-map.ts'
import type { RunningMemory } from './running.ts'

/**
 * RAM and what is kept of it in /proc/iomem: e820__reserve_resources() (arch/x86/kernel/e820.c, 7.3) with page 0, which
 * trim_bios_range() reserved, setup_kernel_resources() (arch/x86/kernel/setup.c) and the crash kernel (kernel/crash_reserve.c).
 * Ascending, what contains others first.
 */
export function memoryResources({ booted, input }: RunningMemory): MemorySubjects['iomem.memory'] {
  const own = (name: string, from: Parameters<typeof symbolAt>[1], to: Parameters<typeof symbolAt>[1]) => ({
    name,
    start: symbolAt(input, from),
    end: symbolAt(input, to),
  })
  const map = input.map.map(({ type, start, end }) => ({
    name: type,
    start: Math.max(fromHex(start), PAGE_SIZE),
    end: fromHex(end),
  }))
  const resources = [
    { name: 'Reserved', start: 0, end: PAGE_SIZE },
    ...map,
    ...buffers(map).map((span) => ({ name: 'RAM buffer', ...span })),
    own('Kernel code', '_text', '_etext'),
    own('Kernel rodata', '__start_rodata', '__end_rodata'),
    own('Kernel data', '_sdata', '_edata'),
    own('Kernel bss', '__bss_start', '__bss_stop'),
    ...crashKernel(booted).map((span) => ({ name: 'Crash kernel', ...span })),
  ]
  return resources
    .sort((a, b) => a.start - b.start || b.end - a.end)
    .map(({ name, start, end }) => ({ name, start: hex(start), end: hex(end) }))
}

/** ram_alignment(): RAM from 16 MiB on is padded to this. */
const BUFFER_ALIGN = 64 * MiB

/**
 * e820__reserve_resources_late(): nothing is to use what may be RAM that the firmware does not tell of. Below 4 GiB there is no room
 * for it: what follows RAM is reserved or belongs to the PCI bus (build_dsdt(), hw/i386/acpi-build.c, QEMU 7.2).
 */
const buffers = (map: readonly (Span & { readonly name: string })[]): readonly Span[] =>
  map
    .filter(({ name, start, end }) => name === 'System RAM' && start >= 4 * GiB && end % BUFFER_ALIGN !== 0)
    .map(({ end }) => ({ start: end, end: roundUp(end, BUFFER_ALIGN) }))

/** What the step of the schedule got and kept: a high part alone is given back. */
function crashKernel({ steps }: BootedMemory): readonly Span[] {
  const changes = steps.find(({ name }) => name === 'crash kernel')?.changes ?? []
  const freed = new Set(changes.filter(({ kind }) => kind === 'free').map(({ base }) => base))
  return changes
    .filter(({ kind, base }) => kind === 'reserve' && !freed.has(base))
    .map(({ base, size }) => ({ start: base, end: base + size }))
}
