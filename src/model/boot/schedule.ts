import type { Basis } from '../../shared/documents/index.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { Memblock, type Change } from '../memblock/memblock.ts'
import { NO_NODE } from '../memblock/regions.ts'
import {
  allocateBounceBuffers,
  allocateHash,
  allocateLogBuffer,
  hashesEarly,
  logBufferForCpus,
  needsBounceBuffers,
  requestedLogBuffer,
} from './buffers.ts'
import { DirectMap, earlyTableBytes } from './direct-map.ts'
import {
  addMemory,
  allocateEntryAreaTables,
  reserveBios,
  reserveBrk,
  reserveFirst64K,
  reserveInitrd,
  reserveKernelImage,
  reserveRealMode,
  reserveSetupData,
} from './early-reserve.ts'
import { NotModelled, allocate, has, type BootInput, type BootState, type NamedMemory, type ScratchOutcome } from './input.ts'
import { movesDirectMap } from './kaslr.ts'
import { allocateMemoryMap, allocateSectionTables } from './memory-map.ts'
import { allocateNodeData, assignNodes, memoryNodes, possibleNodes } from './numa-init.ts'
import { allocatePercpuAreas } from './percpu.ts'
import { allocateGiganticPages, reserveCrashkernel, reserveNamedMemory } from './requested.ts'
import { reserveScratch } from './reserve-scratch.ts'

/** One thing that a kernel does with memblock between the firmware's map and the page allocator. */
export interface BootStep {
  readonly name: string
  readonly basis: Basis
  /** Done always, unless this says otherwise. */
  readonly when?: (state: BootState) => boolean
  readonly run: (state: BootState) => void
}

const from = (name: string, file: string): Basis => ({ function: name, file, release: '7.3' })
const setup = (name: string): Basis => from(name, 'arch/x86/kernel/setup.c')
const one = (state: BootState, what: string, size: number): void =>
  void allocate(state, what, { size, align: state.input.build.numbers.smpCacheBytes })

/** Names that the kernel keeps behind a struct resource. */
const HPET_NAME = 9
const IOAPIC_NAME = 11

/**
 * Every reservation of a boot without a handover on x86-64, in the order of start_kernel() (init/main.c) and setup_arch(). What the
 * kernel also reserves and what changes nothing is left out: tables of the firmware lie outside of RAM or below 1 MiB, and
 * the list of unknown parameters is given back at once.
 */
export const FIRST_BOOT: readonly BootStep[] = [
  { name: 'kernel image', basis: setup('early_reserve_memory'), run: reserveKernelImage },
  { name: 'first 64 KiB', basis: setup('early_reserve_memory'), run: reserveFirst64K },
  { name: 'initrd', basis: setup('early_reserve_initrd'), run: reserveInitrd },
  {
    name: 'setup data',
    basis: setup('memblock_x86_reserve_range_setup_data'),
    when: ({ input }) => input.setupData.length > 0,
    run: reserveSetupData,
  },
  { name: 'BIOS area', basis: from('reserve_bios_regions', 'arch/x86/kernel/ebda.c'), run: reserveBios },
  { name: 'brk', basis: setup('reserve_brk'), run: (state) => reserveBrk(state, earlyTableBytes(state)) },
  { name: 'RAM', basis: from('e820__memblock_setup', 'arch/x86/kernel/e820.c'), run: addMemory },
  { name: 'real-mode trampoline', basis: from('reserve_real_mode', 'arch/x86/realmode/init.c'), run: reserveRealMode },
  {
    name: 'direct map',
    basis: from('init_mem_mapping', 'arch/x86/mm/init.c'),
    run: (state) => void (state.memblock.currentLimit = new DirectMap(state).mapAll(movesDirectMap(state.input))),
  },
  {
    name: 'log buffer asked for',
    basis: from('setup_log_buf', 'kernel/printk/printk.c'),
    when: (state) => requestedLogBuffer(state) > 0,
    run: (state) => allocateLogBuffer(state, requestedLogBuffer(state)),
  },
  { name: 'nodes of memory', basis: from('numa_memblks_init', 'mm/numa_memblks.c'), run: assignNodes },
  { name: 'node data', basis: from('alloc_node_data', 'mm/numa.c'), run: allocateNodeData },
  {
    name: 'crash kernel',
    basis: from('reserve_crashkernel_generic', 'kernel/crash_reserve.c'),
    when: ({ input }) => has(input, 'CRASH_RESERVE'),
    run: reserveCrashkernel,
  },
  {
    name: 'HPET resource',
    basis: from('acpi_parse_hpet', 'arch/x86/kernel/acpi/boot.c'),
    when: ({ input }) => has(input, 'ACPI') && has(input, 'HPET_TIMER'),
    run: (state) => one(state, 'the HPET resource', state.input.build.numbers.sizeofResource + HPET_NAME),
  },
  {
    name: 'IO-APIC resource',
    basis: from('ioapic_setup_resources', 'arch/x86/kernel/apic/io_apic.c'),
    when: ({ input }) => has(input, 'X86_IO_APIC'),
    run: (state) => one(state, 'the IO-APIC resource', state.input.build.numbers.sizeofResource + IOAPIC_NAME),
  },
  {
    // trim_bios_range() made an entry of page 0, which is not in the firmware's map.
    name: 'RAM resources',
    basis: from('e820__reserve_resources', 'arch/x86/kernel/e820.c'),
    run: (state) => one(state, 'resources of RAM', state.input.build.numbers.sizeofResource * (state.input.map.length + 1)),
  },
  {
    name: 'firmware map entries',
    basis: from('firmware_map_add_early', 'drivers/firmware/memmap.c'),
    when: ({ input }) => has(input, 'FIRMWARE_MEMMAP'),
    run: (state) =>
      state.input.map.forEach(() => one(state, 'a firmware map entry', state.input.build.numbers.sizeofFirmwareMapEntry)),
  },
  {
    name: 'data of nodes without memory',
    basis: from('alloc_offline_node_data', 'mm/numa.c'),
    run: (state) => {
      const withMemory = memoryNodes(state)
      const others = possibleNodes(state).filter((nid) => !withMemory.includes(nid))
      others.forEach(() => one(state, 'the data of a node', state.input.build.numbers.sizeofPglistData))
    },
  },
  { name: 'count of free pages', basis: from('calc_nr_kernel_pages', 'mm/mm_init.c'), run: countFreePages },
  {
    name: 'gigantic pages',
    basis: from('hugetlb_bootmem_alloc', 'mm/hugetlb.c'),
    when: ({ input }) => has(input, 'HUGETLB_PAGE'),
    run: allocateGiganticPages,
  },
  { name: 'memory sections', basis: from('memblocks_present', 'mm/sparse.c'), run: allocateSectionTables },
  { name: 'memory map', basis: from('sparse_init_nid', 'mm/sparse.c'), run: allocateMemoryMap },
  {
    name: 'command line, saved and parsed',
    basis: from('setup_command_line', 'init/main.c'),
    run: (state) => {
      for (const copy of ['saved', 'parsed']) one(state, `the ${copy} command line`, state.input.cmdline.length + 1)
    },
  },
  { name: 'percpu areas', basis: from('pcpu_embed_first_chunk', 'mm/percpu.c'), run: allocatePercpuAreas },
  { name: 'reserve_mem', basis: from('reserve_mem', 'mm/memblock.c'), run: reserveNamedMemory },
  {
    name: 'log buffer for many CPUs',
    basis: from('log_buf_add_cpu', 'kernel/printk/printk.c'),
    when: (state) => requestedLogBuffer(state) === 0 && logBufferForCpus(state) > 0,
    run: (state) => allocateLogBuffer(state, logBufferForCpus(state)),
  },
  {
    name: 'dentry hash',
    basis: from('dcache_init_early', 'fs/dcache.c'),
    when: hashesEarly,
    run: (state) => allocateHash(state, 'the dentry hash', state.input.build.numbers.sizeofDentryBucket, 13, 2),
  },
  {
    name: 'inode hash',
    basis: from('inode_init_early', 'fs/inode.c'),
    when: hashesEarly,
    run: (state) => allocateHash(state, 'the inode hash', state.input.build.numbers.sizeofInodeBucket, 14, 0),
  },
  { name: 'CPU entry areas', basis: from('setup_cpu_entry_areas', 'arch/x86/mm/cpu_entry_area.c'), run: allocateEntryAreaTables },
  {
    name: 'bounce buffers',
    basis: from('swiotlb_init_remap', 'kernel/dma/swiotlb.c'),
    when: needsBounceBuffers,
    run: allocateBounceBuffers,
  },
  {
    name: 'scratch',
    basis: from('kho_reserve_scratch', 'kernel/liveupdate/kexec_handover.c'),
    when: ({ input }) => has(input, 'KEXEC_HANDOVER') && input.options.kho,
    run: (state) => void (state.scratch = reserveScratch(state)),
  },
]

function countFreePages(state: BootState): void {
  // Also what a boot with a handover cannot allocate from.
  for (const { start, end } of state.memblock.freeRanges(NO_NODE, false)) {
    state.freePages += Math.max(0, (roundDown(end, PAGE_SIZE) - roundUp(start, PAGE_SIZE)) / PAGE_SIZE)
  }
}

/** Options of the build whose reservations no step has. */
const NOT_MODELLED_OPTIONS = [
  'ACPI_HMAT',
  'AMD_MEM_ENCRYPT',
  'BOOT_CONFIG',
  'CMDLINE_BOOL',
  'CPUMASK_OFFSTACK',
  'DEBUG_PAGEALLOC',
  'DMA_CMA',
  'DMI',
  'EFI',
  'GART_IOMMU',
  'HIBERNATION',
  'IMA',
  'ISCSI_IBFT_FIND',
  'KASAN',
  'KFENCE',
  'KMSAN',
  'MEMCG',
  'MEM_ALLOC_PROFILING',
  'MTRR',
  'NUMA_EMU',
  'OF',
  'PAGE_EXTENSION',
  'PERCPU_STATS',
  'STACKDEPOT',
  'X86_CHECK_BIOS_CORRUPTION',
  'XEN',
  'ZONE_DMA',
] as const
const NEEDED_OPTIONS = ['NUMA', 'SMP', 'SPARSEMEM_EXTREME', 'SPARSEMEM_VMEMMAP', 'X86_LOCAL_APIC', 'BLK_DEV_INITRD'] as const

export interface StepRecord {
  readonly name: string
  readonly basis: Basis
  readonly changes: readonly Change[]
}

export interface BootedMemory {
  readonly memblock: Memblock
  readonly steps: readonly StepRecord[]
  /** Absent when KHO is off. */
  readonly scratch: ScratchOutcome | undefined
  /** See BootState. */
  readonly freePages: number
  readonly earlyHashes: readonly number[]
  readonly named: readonly NamedMemory[]
}

/** Why the schedule does not hold for this kernel or command line; undefined when it does. */
export function whyNotModelled({ build, early }: Pick<BootInput, 'build' | 'early'>): string | undefined {
  if (early.notModelled !== undefined) return `how ${early.notModelled} changes early memory is not modelled`
  const extra = NOT_MODELLED_OPTIONS.find((option) => build.options.includes(option))
  if (extra !== undefined) return `what CONFIG_${extra} reserves early is not modelled`
  const missing = NEEDED_OPTIONS.find((option) => !build.options.includes(option))
  return missing === undefined ? undefined : `a kernel without CONFIG_${missing} is not modelled`
}

/** A machine with more than the kernel was built for: what it leaves out, and where that shows, is not modelled. */
function whyTooLarge({ build: { numbers }, cpuNodes, nodes }: BootInput): string | undefined {
  if (cpuNodes.length > numbers.nrCpus)
    return `the kernel is built for ${numbers.nrCpus} CPUs (CONFIG_NR_CPUS), the machine has ${cpuNodes.length}`
  const count = nodes?.length ?? 1
  return count > numbers.maxNumnodes
    ? `the kernel is built for ${numbers.maxNumnodes} nodes (CONFIG_NODES_SHIFT), the machine has ${count}`
    : undefined
}

/**
 * Runs a schedule, to its end or to the step named `last`. An error says what is not modelled, or where
 * the kernel would panic.
 */
export function bootMemory(input: BootInput, last?: string, schedule: readonly BootStep[] = FIRST_BOOT): Result<BootedMemory> {
  const reason = whyNotModelled(input) ?? whyTooLarge(input)
  if (reason !== undefined) return err(reason)
  const memblock = new Memblock()
  const state: BootState = { input, memblock, maxRam: 0, freePages: 0, earlyHashes: [], scratch: undefined, named: [] }
  const steps: StepRecord[] = []
  try {
    for (const { name, basis, when, run } of schedule) {
      if (when !== undefined && !when(state)) continue
      const before = memblock.journal.length
      run(state)
      steps.push({ name, basis, changes: memblock.journal.slice(before) })
      if (name === last) break
    }
  } catch (error) {
    if (error instanceof NotModelled) return err(error.message)
    throw error
  }
  const { scratch, freePages, earlyHashes, named } = state
  return ok({ memblock, steps, scratch, freePages, earlyHashes, named })
}
