import type { Experiment, MapEntry, Range } from '../shared/documents/index.ts'
import { GiB, KiB, MiB, PAGE_SIZE, hex, roundUp } from '../shared/units.ts'
import { smbiosLength } from './smbios.ts'

/**
 * The guest physical memory map that QEMU's q35 and pc machines and SeaBIOS hand to Linux (QEMU 7.1 and later machine
 * types, SeaBIOS 1.16), and the RAM below it. All numbers are bytes; ends are exclusive.
 */
export type MachineType = Experiment['machine']['type']

export interface Span {
  readonly start: number
  readonly end: number
}

const FOUR_GIB = 4 * GiB
/** qemu_init() rounds -m up to 8 KiB (softmmu/vl.c). */
const RAM_UNIT = 8 * KiB
/** AMD_HT_START and AMD_ABOVE_1TB_START (hw/i386/pc.c): what AMD processors keep for HyperTransport. */
const HYPER_TRANSPORT = 0xfd00000000
const ABOVE_HYPER_TRANSPORT = 2 ** 40
/** Address space behind RAM for 64-bit PCI: pci_hole64_size of the host bridges. */
const PCI_HOLE: Readonly<Record<MachineType, number>> = { q35: 32 * GiB, pc: 2 * GiB }

/** RAM below 4 GiB: pc_q35_init() (hw/i386/pc_q35.c) and pc_init1() (hw/i386/pc_piix.c). */
function lowRamEnd(type: MachineType, ram: number): number {
  switch (type) {
    case 'q35':
      return ram >= 0xb0000000 ? 0x80000000 : ram
    case 'pc':
      return ram >= 0xe0000000 ? 0xc0000000 : ram
  }
}

/**
 * pc_memory_init() (hw/i386/pc.c): the machine of an AMD processor has its high RAM above 1 TiB when RAM and PCI would reach the
 * HyperTransport range.
 */
function movesHighRam(type: MachineType, memory: number): boolean {
  const ram = roundUp(memory, RAM_UNIT)
  const end = roundUp(FOUR_GIB + ram - lowRamEnd(type, ram), GiB)
  return end + PCI_HOLE[type] > HYPER_TRANSPORT
}

/**
 * The RAM itself, as QEMU maps it: one span from 0 and, for what does not fit below 4 GiB, one from 4 GiB, or for very large
 * machines of AMD processors from 1 TiB.
 */
export function ramSpans(type: MachineType, memory: number): readonly Span[] {
  const ram = roundUp(memory, RAM_UNIT)
  const low = lowRamEnd(type, ram)
  const high = ram - low
  const start = movesHighRam(type, memory) ? ABOVE_HYPER_TRANSPORT : FOUR_GIB
  return [{ start: 0, end: low }, ...(high > 0 ? [{ start, end: start + high }] : [])]
}

/** Why it is not known where QEMU puts a machine's RAM; undefined where it is. The processor of TCG is an AMD one. */
export const whyRamUnknown = ({ machine: { type, memory }, accelerator }: Experiment): string | undefined =>
  accelerator !== 'tcg' && movesHighRam(type, memory)
    ? "from about 1 TiB on QEMU puts RAM elsewhere for AMD processors, and under KVM the processor is the host's"
    : undefined

export interface Processor {
  /** KVM keeps four pages for its identity map and TSS below the BIOS (kvm_arch_init(), target/i386/kvm/kvm.c). */
  readonly kvm: boolean
  /** IS_AMD_CPU: QEMU then reserves the HyperTransport range below 1 TiB (pc_memory_init(), hw/i386/pc.c). */
  readonly amd: boolean
}

/** -cpu max shows an AMD processor under TCG (max_x86_cpu_initfn(), target/i386/cpu.c) and the host's own under KVM. */
export const processorOf = (used: 'tcg' | 'kvm', hostCpuModel: string): Processor =>
  used === 'tcg' ? { kvm: false, amd: true } : { kvm: true, amd: /^AMD\b/i.test(hostCpuModel) }

/** One processor socket per node where the CPUs divide evenly, else one per CPU; without nodes one for all. */
export function socketsOf({ cpus, nodes }: Pick<Experiment['machine'], 'cpus' | 'nodes'>): number {
  if (nodes.length <= 1) return 1
  return cpus % nodes.length === 0 ? nodes.length : cpus
}

const ACPI_TABLES = 128 * KiB
/** BUILD_MAX_SMBIOS_FSEG (src/config.h of SeaBIOS) */
const SMBIOS_IN_ROM = 600

const RAM = 'System RAM'
const RESERVED = 'Reserved'

/**
 * What /sys/firmware/memmap shows, ascending. SeaBIOS adds the EBDA, its own ROM shadow, the PCI configuration window and
 * the chipset's registers (q35), its flash, and keeps the last 128 KiB of low RAM for the ACPI tables that QEMU pads to
 * 0x20000 bytes (ACPI_BUILD_TABLE_SIZE, hw/i386/acpi-build.c; malloc_prepboot() gives the rest of its zone back). SMBIOS tables
 * that are too long for its ROM shadow lie there as well.
 */
export function firmwareMap(type: MachineType, memory: number, processor: Processor, sockets: number): readonly MapEntry[] {
  const spans = ramSpans(type, memory)
  const [low, high] = spans
  if (low === undefined) return []
  const smbios = smbiosLength({ type, memory, sockets, ramSpans: spans.length })
  const tables = low.end - roundUp(ACPI_TABLES + (smbios > SMBIOS_IN_ROM ? roundUp(smbios, 16) : 0), PAGE_SIZE)
  const entries: [number, number, string][] = [
    [0, 0x9fc00, RAM],
    [0x9fc00, 0xa0000, RESERVED],
    [0xf0000, MiB, RESERVED],
    [MiB, tables, RAM],
    [tables, low.end, RESERVED],
    ...(type === 'q35'
      ? ([
          [0xb0000000, 0xc0000000, RESERVED],
          [0xfed1c000, 0xfed20000, RESERVED],
        ] as [number, number, string][])
      : []),
    ...(processor.kvm ? ([[0xfeffc000, 0xff000000, RESERVED]] as [number, number, string][]) : []),
    [0xfffc0000, FOUR_GIB, RESERVED],
    ...(high === undefined ? [] : ([[high.start, high.end, RAM]] as [number, number, string][])),
    ...(processor.amd ? ([[HYPER_TRANSPORT, ABOVE_HYPER_TRANSPORT, RESERVED]] as [number, number, string][]) : []),
  ]
  return entries.sort(([a], [b]) => a - b).map(([start, end, kind]) => ({ start: hex(start), end: hex(end), type: kind }))
}

/** A NUMA node as the kernel numbers it. */
export interface NumaNode {
  readonly spans: readonly Span[]
  readonly cpus: readonly number[]
}

/**
 * The NUMA nodes in the kernel's order. QEMU's nodes take RAM in address order and CPUs in runs of nearly equal length. The
 * kernel numbers them as they turn up in the SRAT, and there CPUs come before memory (build_srat(), hw/i386/acpi-build.c,
 * QEMU 7.2; acpi_map_pxm_to_node(), drivers/acpi/numa/srat.c, 7.3): nodes without CPUs get the last numbers. A node with
 * neither memory nor CPUs does not exist for the kernel.
 */
export function numaNodes({ type, memory, cpus, nodes }: Experiment['machine']): readonly NumaNode[] {
  const ram = ramSpans(type, memory)
  let from = 0
  const inFirmware = nodes.map(({ memory: size }, index) => {
    const to = from + size
    const spans = ram.flatMap((span, place) => {
      const before = ram.slice(0, place).reduce((sum, { start, end }) => sum + end - start, 0)
      const start = span.start + Math.max(from - before, 0)
      const end = Math.min(span.start + to - before, span.end)
      return start < end ? [{ start, end }] : []
    })
    from = to
    const firstCpu = Math.ceil((cpus * index) / nodes.length)
    const pastCpu = Math.ceil((cpus * (index + 1)) / nodes.length)
    return { spans, cpus: Array.from({ length: pastCpu - firstCpu }, (_unused, cpu) => firstCpu + cpu) }
  })
  return [
    ...inFirmware.filter((node) => node.cpus.length > 0),
    ...inFirmware.filter((node) => node.cpus.length === 0 && node.spans.length > 0),
  ]
}

/** The kernel's numbers of the nodes that have memory, ascending. */
export const nodesWithMemory = (machine: Experiment['machine']): readonly number[] =>
  numaNodes(machine).flatMap(({ spans }, nid) => (spans.length > 0 ? [nid] : []))

/** The memory of each NUMA node that has any, in the kernel's order. */
export const nodeSpans = (machine: Experiment['machine']): readonly (readonly Span[])[] =>
  numaNodes(machine)
    .map(({ spans }) => spans)
    .filter((spans) => spans.length > 0)

export const toRange = ({ start, end }: Span): Range => ({ start: hex(start), end: hex(end) })
