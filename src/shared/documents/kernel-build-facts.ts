import { z } from 'zod'
import { Hex } from './common.ts'

/**
 * Addresses of a kernel image before relocation, as System.map has them. Differences count: where the image begins in
 * physical memory is another matter.
 */
const Symbols = z.object({
  _text: Hex,
  _etext: Hex,
  __start_rodata: Hex,
  __end_rodata: Hex,
  _sdata: Hex,
  _edata: Hex,
  __init_begin: Hex,
  __init_end: Hex,
  __per_cpu_start: Hex,
  __per_cpu_end: Hex,
  __bss_start: Hex,
  __bss_stop: Hex,
  __end_of_kernel_reserve: Hex,
  __brk_base: Hex,
  __brk_limit: Hex,
  _end: Hex,
  real_mode_blob: Hex,
  real_mode_blob_end: Hex,
})

const Count = z.int().min(0)

/** What qemu-images/kernel/facts.c says, by its names. Sizes in bytes. */
const Numbers = z.object({
  sizeofPglistData: Count,
  sizeofMemSection: Count,
  sizeofMemSectionUsage: Count,
  /** Bits of pageblock flags per memory section. */
  pageblockFlagsBits: Count,
  pageblockOrder: Count,
  sizeofPage: Count,
  sizeofZone: Count,
  sizeofResource: Count,
  sizeofFirmwareMapEntry: Count,
  sizeofPcpuAllocInfo: Count,
  sizeofPcpuGroupInfo: Count,
  sizeofPcpuChunk: Count,
  sizeofPcpuBlockMd: Count,
  /** 0 where percpu chunks have no vector of object extensions. */
  sizeofPcpuObjExt: Count,
  percpuModuleReserve: Count,
  percpuDynamicReserve: Count,
  percpuDynamicEarlySize: Count,
  pcpuMinUnitSize: Count,
  pcpuMinAllocSize: Count,
  pcpuBitmapBlockSize: Count,
  sizeofDentryBucket: Count,
  sizeofInodeBucket: Count,
  sizeofPrbDesc: Count,
  sizeofPrintkInfo: Count,
  sizeofMemblockRegion: Count,
  sizeofIoTlbSlot: Count,
  sizeofIoTlbArea: Count,
  ioTlbDefaultSize: Count,
  sizeofCpuEntryArea: Count,
  /** Where the exception stacks end in it; behind them is what only Intel's debug store uses. */
  cpuEntryAreaStacksEnd: Count,
  smpCacheBytes: Count,
  internodeCacheBytes: Count,
  commandLineSize: Count,
  nrCpus: Count,
  maxNumnodes: Count,
  sectionSizeBits: Count,
  sectionsPerRoot: Count,
  logBufShift: Count,
  logCpuMaxBufShift: Count,
  maxPageOrder: Count,
  maxFolioOrder: Count,
  physicalAlign: Count,
  physicalStart: Count,
})

/** Options whose code reserves memory early, or decides how much. */
const Option = z.enum([
  'ACPI',
  'ACPI_HMAT',
  'ACPI_NUMA',
  'ACPI_TABLE_UPGRADE',
  'AMD_MEM_ENCRYPT',
  'BLK_DEV_INITRD',
  'BOOT_CONFIG',
  'CMA',
  'CMDLINE_BOOL',
  'CPU_SUP_INTEL',
  'CPUMASK_OFFSTACK',
  'CRASH_RESERVE',
  'DEBUG_PAGEALLOC',
  'DEFERRED_STRUCT_PAGE_INIT',
  'DMA_CMA',
  'DMI',
  'NUMA_BALANCING',
  'SWIOTLB_DYNAMIC',
  'EFI',
  'FIRMWARE_MEMMAP',
  'GART_IOMMU',
  'HIBERNATION',
  'HPET_TIMER',
  'HUGETLBFS',
  'HUGETLB_PAGE',
  'HUGETLB_PAGE_OPTIMIZE_VMEMMAP',
  'HUGETLB_PAGE_OPTIMIZE_VMEMMAP_DEFAULT_ON',
  'IMA',
  'ISCSI_IBFT_FIND',
  'KASAN',
  'KEXEC_HANDOVER',
  'KEXEC_HANDOVER_ENABLE_DEFAULT',
  'KFENCE',
  'KMSAN',
  'KVM_GUEST',
  'MEMCG',
  'MEMORY_HOTPLUG',
  'MEMTEST',
  'MEM_ALLOC_PROFILING',
  'MODULES',
  'MTRR',
  'NUMA',
  'NUMA_EMU',
  'OF',
  'PAGE_EXTENSION',
  'PCI',
  'PERCPU_STATS',
  'RANDOMIZE_BASE',
  'RANDOMIZE_MEMORY',
  'SMP',
  'SPARSEMEM_EXTREME',
  'SPARSEMEM_VMEMMAP',
  'STACKDEPOT',
  'SWIOTLB',
  'TRANSPARENT_HUGEPAGE',
  'X86_CHECK_BIOS_CORRUPTION',
  'X86_DIRECT_GBPAGES',
  'X86_IO_APIC',
  'X86_LOCAL_APIC',
  'X86_MPPARSE',
  'XEN',
  'ZONE_DMA',
  'ZONE_DMA32',
])

/**
 * What a kernel's build decides about its early memory: taken from the build tree, never from a guest. Absent for a
 * kernel that the lab did not build.
 */
export const KernelBuildFacts = z.object({
  symbols: Symbols,
  numbers: Numbers,
  /** Those of {@link KERNEL_BUILD_OPTIONS} that are built in, without CONFIG_. */
  options: z.array(Option),
})
export type KernelBuildFacts = z.infer<typeof KernelBuildFacts>

export const KERNEL_BUILD_SYMBOLS = Symbols.keyof().options
export const KERNEL_BUILD_NUMBERS = Numbers.keyof().options
export const KERNEL_BUILD_OPTIONS = Option.options
