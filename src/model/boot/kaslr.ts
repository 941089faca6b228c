import { GiB, MiB, PAGE_SIZE } from '../../shared/units.ts'
import type { GivenValues } from '../../shared/documents/index.ts'
import type { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { has, type BootInput, type BootProcessor, type Randomness } from './input.ts'

const P4D_SIZE = 512n * BigInt(GiB)
const L5_PGDIR_SIZE = 512n * P4D_SIZE
const PMD_SIZE = 2 * MiB

interface Kernel {
  readonly build: KernelBuildFacts
  readonly cmdline: string
}

/** Whether the kernel's place, and what it draws later, is random (kaslr_enabled()). */
export const isRandom = ({ build, cmdline }: Kernel): boolean =>
  build.options.includes('RANDOMIZE_BASE') && !cmdline.split(/\s+/).includes('nokaslr')

/** kaslr_memory_enabled(): the direct map, vmalloc and vmemmap have random places. */
export const movesDirectMap = (input: BootInput): boolean => has(input, 'RANDOMIZE_MEMORY') && isRandom(input)

/** What the schedule needs to know of the places that a kernel with KASLR has drawn. */
export function randomnessOf(
  drawn: GivenValues['kernel.addressSpace'],
  build: KernelBuildFacts,
  processor: BootProcessor,
): Randomness {
  const top = processor.la57 ? L5_PGDIR_SIZE : P4D_SIZE
  return {
    directMap: Number(BigInt(drawn.pageOffsetBase) % top),
    vmemmapBase: BigInt(drawn.vmemmapBase),
    entryAreaPages: entryAreaTables(drawn.entryAreas, build.numbers, processor),
  }
}

/**
 * At the end of the exception stacks (ESTACKS_MEMBERS, arch/x86/include/asm/cpu_entry_area.h, 7.3): two stacks of two pages for
 * #VC, which only encrypted guests map, and three guard pages.
 */
const UNMAPPED_STACKS = (2 * 2 + 3) * PAGE_SIZE

/**
 * Page tables for CPU entry areas at these places (setup_cpu_entry_area(), arch/x86/mm/cpu_entry_area.c, 7.3): one of the second
 * level, one of the third for each GiB and a page of entries for each 2 MiB that any area touches. `places`: of each CPU, in areas
 * behind the page of the read-only IDT.
 */
export function entryAreaTables(
  places: readonly number[],
  { sizeofCpuEntryArea, cpuEntryAreaStacksEnd }: KernelBuildFacts['numbers'],
  processor: BootProcessor,
): number {
  // Only the debug store lies behind the stacks, and it is Intel's.
  const touched = processor.intel ? sizeofCpuEntryArea : cpuEntryAreaStacksEnd - UNMAPPED_STACKS
  const tables = new Set<number>()
  const directories = new Set<number>()
  for (const place of places) {
    const start = PAGE_SIZE + place * sizeofCpuEntryArea
    for (let at = start; at < start + touched; at += PAGE_SIZE) {
      tables.add(Math.floor(at / PMD_SIZE))
      directories.add(Math.floor(at / GiB))
    }
  }
  return 1 + directories.size + tables.size
}
