import type { MapEntry } from '../../shared/documents/index.ts'
import type { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import type { Span } from '../firmware-map.ts'
import type { Memblock } from '../memblock/memblock.ts'
import type { KernelOptions } from '../kernel-options.ts'
import type { RecordEntry } from '../../abi/record-list.ts'
import type { EarlyOptions } from './options.ts'

/** Features of the boot CPU that decide about page tables and the memory map. */
export interface BootProcessor {
  /** Five-level page tables are in use: MAX_PHYSMEM_BITS is 52, else 46. */
  readonly la57: boolean
  readonly gbpages: boolean
  /** Vendor Intel: the debug store is mapped in every CPU entry area. */
  readonly intel: boolean
}

/** What KASLR draws while the kernel runs. */
export interface Randomness {
  /** Bytes of page_offset_base above a boundary of the highest page-table level; a multiple of 1 GiB. */
  readonly directMap: number
  /** vmemmap_base; only its place among the entries of the page tables counts. */
  readonly vmemmapBase: bigint
  /** Pages of page tables for the CPU entry areas; undefined where the areas follow each other. */
  readonly entryAreaPages: number | undefined
}

/** __VMEMMAP_BASE_L5; that of four levels lies just as far above its tables' boundaries. */
const VMEMMAP_BASE = 0xffd4000000000000n

export const NOT_RANDOM: Randomness = { directMap: 0, vmemmapBase: VMEMMAP_BASE, entryAreaPages: undefined }

/** What a kernel finds that was started by kexec with a handover. Addresses and sizes in bytes. */
export interface Handover {
  /** struct kho_scratch[] as it was handed over, in array order, and where that copy of it lies. */
  readonly scratch: readonly { readonly start: number; readonly size: number }[]
  readonly array: number
  /** The tree of preserved memory: its records, and where the pages of its nodes lie. */
  readonly records: readonly RecordEntry[]
  readonly nodes: readonly number[]
  /** reserve_mem regions that the boot before had, by name. */
  readonly regions: readonly { readonly name: string; readonly start: number; readonly size: number }[]
  /** Preserved pages that the kernel gives to the page allocator while it initialises. */
  readonly restored: readonly number[]
  /** Preserved memory that khoprobe has taken back by the time the running kernel is looked at. */
  readonly takenBack: readonly Span[]
}

/** All that decides what a boot reserves. Addresses and sizes in bytes. */
export interface BootInput {
  readonly build: KernelBuildFacts
  /** The firmware's map, as /sys/firmware/memmap will show it. */
  readonly map: readonly MapEntry[]
  /** Memory of each NUMA node in node order, some without any; absent when the firmware has no SRAT. */
  readonly nodes: readonly (readonly Span[])[] | undefined
  /** Node of each CPU. */
  readonly cpuNodes: readonly number[]
  readonly processor: BootProcessor
  /** Physical address of _text. */
  readonly kernelBase: number
  /** The initrd's bytes, not rounded to pages. */
  readonly initrd: Span
  readonly cmdline: string
  readonly options: KernelOptions
  readonly early: EarlyOptions
  readonly random: Randomness
  /** SCRATCH_ALIGNMENT_BYTES */
  readonly scratchAlignment: number
  /** The entries of setup_data, each with its header; none on a first boot. */
  readonly setupData: readonly Span[]
  /** Absent where kexec has not handed anything over. */
  readonly handover?: Handover
}

/** A boot on its way: what the steps read and change. */
export interface BootState {
  readonly input: BootInput
  readonly memblock: Memblock
  /** End of the highest RAM, as max_pfn has it. */
  maxRam: number
  /** Pages that were free when the zones were set up (nr_kernel_pages, nr_all_pages). */
  freePages: number
  /** Bytes of the hash tables that memblock had to give, in order. */
  readonly earlyHashes: number[]
  /** What kho_reserve_scratch() got, or kho_populate() was given; undefined before it and when KHO is off. */
  scratch: ScratchOutcome | undefined
  /** What reserve_mem() made of each of its options on a boot with a handover, in their order. */
  readonly named: NamedMemory[]
}

/** A reserve_mem region on a boot with a handover: revived where it was, or new memory. */
export interface NamedMemory {
  readonly name: string
  readonly size: number
  /** Undefined where there was no room. */
  readonly start: number | undefined
  /** What the kernel says of it. */
  readonly said: string | undefined
}

export type ScratchOutcome =
  | {
      readonly ok: true
      /** Physical address of struct kho_scratch[]. */
      readonly array: number
      /** lowmem, global, then one per node with memory. */
      readonly regions: readonly { readonly start: number; readonly size: number }[]
    }
  | { readonly ok: false; readonly region: string }

/** A place where the kernel panics, or does what no step describes: the schedule has no answer. */
export class NotModelled extends Error {}

export const sizeOf = (input: BootInput, from: keyof SymbolTable, to: keyof SymbolTable): number =>
  Number(BigInt(input.build.symbols[to]) - BigInt(input.build.symbols[from]))
type SymbolTable = KernelBuildFacts['symbols']

export const has = (input: BootInput, option: KernelBuildFacts['options'][number]): boolean =>
  input.build.options.includes(option)

/** Where a symbol of the running kernel lies: __pa_symbol(). */
export const symbolAt = (input: BootInput, symbol: keyof SymbolTable): number => input.kernelBase + sizeOf(input, '_text', symbol)

/** memblock_alloc_try_nid() and its kin: `what` must get its memory, as the kernel panics without. */
export function allocate(
  { memblock }: BootState,
  what: string,
  request: {
    readonly size: number
    readonly align: number
    readonly start?: number
    readonly end?: number
    readonly nid?: number
  },
): number {
  const found = memblock.allocInternal(request)
  if (found === undefined) throw new NotModelled(`no room for ${what} (${request.size} bytes)`)
  return found
}
