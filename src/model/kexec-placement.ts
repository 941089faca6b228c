import { PAGE_SIZE, roundDown, roundUp } from '../shared/units.ts'
import type { Result } from '../shared/result.ts'
import { err, ok } from '../shared/result.ts'

/**
 * Where kexec_file_load puts each segment: kexec_add_buffer() and locate_mem_hole_top_down() (kernel/kexec_file.c, 7.3), when KHO
 * is on over the scratch regions alone (kho_walk_scratch(), kernel/liveupdate/kexec_handover.c), else over System RAM.
 * All numbers are bytes and exact below 2^53.
 */
export interface Region {
  readonly start: number
  readonly size: number
}

export interface SegmentRequest {
  readonly name: SegmentName
  /** Before page rounding. */
  readonly memsz: number
  readonly align: number
  /** Lowest address allowed (buf_min). */
  readonly min: number
}
export type SegmentName = 'scratch array' | 'purgatory' | 'boot params' | 'kernel' | 'initrd'

export interface Segment {
  readonly name: SegmentName
  readonly start: number
  readonly memsz: number
}

/** What the loading kernel and its caller bring. */
interface LoadRequest {
  /** 0 when KHO is off: then there is no array to hand over. */
  readonly scratchCount: number
  /** Bytes in memory of the loading kernel's purgatory. */
  readonly purgatorySize: number
  /** Without the final NUL. */
  readonly cmdlineLength: number
  readonly kernel: { readonly initSize: number; readonly prefAddress: number; readonly kernelAlignment: number }
  /** 0 when no initrd is loaded. */
  readonly initrdSize: number
  /** The loading kernel is built without KHO. */
  readonly withoutKho?: true | undefined
}

const MIN_PURGATORY_ADDR = 0x3000
const MIN_BOOTPARAM_ADDR = 0x3000
const MIN_KERNEL_LOAD_ADDR = 0x100000
const MIN_INITRD_LOAD_ADDR = 0x1000000
const SCRATCH_ARRAY_ALIGN = 0x10000
const SIZEOF_KHO_SCRATCH = 16
/** sizeof(struct boot_params); the command line follows it (setup_cmdline()). */
export const SIZEOF_BOOT_PARAMS = 4096
const SIZEOF_SETUP_DATA = 16
const SIZEOF_EFI_SETUP_DATA = 96
const SIZEOF_KHO_DATA = 32
const RNG_SEED_LENGTH = 32
const MAX_ELFCOREHDR_STR_LEN = 30
/** hdr.cmdline_size of every x86-64 bzImage: COMMAND_LINE_SIZE - 1. */
const CMDLINE_SIZE = 2047

/**
 * kbuf.bufsz of bzImage64_load() (arch/x86/kernel/kexec-bzimage64.c, 7.3) on a BIOS machine: no EFI map, no device tree.
 * The 32 bytes that CONFIG_IMA_KEXEC adds never change the page count, which is all that placement uses.
 */
export const bootParamsSize = (cmdlineLength: number, withoutKho = false): number =>
  roundUp(SIZEOF_BOOT_PARAMS + cmdlineLength + 1 + MAX_ELFCOREHDR_STR_LEN, 16) +
  SIZEOF_SETUP_DATA +
  SIZEOF_EFI_SETUP_DATA +
  SIZEOF_SETUP_DATA +
  RNG_SEED_LENGTH +
  khoRoom(withoutKho)

/**
 * How far behind the start of boot params the setup_data begins (setup_boot_parameters(), arch/x86/kernel/kexec-bzimage64.c, 7.3):
 * without EFI, IMA and device tree, KHO's entry is the first and the seed for random numbers the next.
 */
export const setupDataOffset = (cmdlineLength: number): number =>
  roundUp(SIZEOF_BOOT_PARAMS + cmdlineLength + 1 + MAX_ELFCOREHDR_STR_LEN, 16)

/** What bzImage64_load() leaves for KHO's entry and setup_boot_parameters() steps over, KHO being on or off; it must be built in. */
export const khoRoom = (withoutKho: boolean): number => (withoutKho ? 0 : SETUP_DATA_BYTES.kho)

/** Entries of setup_data with their headers. */
export const SETUP_DATA_BYTES = { kho: SIZEOF_SETUP_DATA + SIZEOF_KHO_DATA, seed: SIZEOF_SETUP_DATA + RNG_SEED_LENGTH } as const

/** The segments in the order of kexec_add_buffer(). */
export function segmentRequests(load: LoadRequest): readonly SegmentRequest[] {
  const { kernel } = load
  return [
    ...(load.scratchCount === 0
      ? []
      : [
          {
            name: 'scratch array',
            memsz: load.scratchCount * SIZEOF_KHO_SCRATCH,
            align: SCRATCH_ARRAY_ALIGN,
            min: 0,
          } as const,
        ]),
    { name: 'purgatory', memsz: load.purgatorySize, align: PAGE_SIZE, min: MIN_PURGATORY_ADDR },
    { name: 'boot params', memsz: bootParamsSize(load.cmdlineLength, load.withoutKho), align: 16, min: MIN_BOOTPARAM_ADDR },
    {
      name: 'kernel',
      memsz: kernel.initSize,
      align: kernel.kernelAlignment,
      min: Math.max(kernel.prefAddress, MIN_KERNEL_LOAD_ADDR),
    },
    ...(load.initrdSize === 0
      ? []
      : [{ name: 'initrd', memsz: load.initrdSize, align: PAGE_SIZE, min: MIN_INITRD_LOAD_ADDR } as const]),
  ]
}

/**
 * Highest hole of one region that overlaps no segment placed before, or undefined. After a conflict the kernel steps down a
 * page and aligns again; all starts between are in the same conflict, so the next one that can do lies below that segment.
 */
function holeTopDown(region: Region, memsz: number, align: number, min: number, placed: readonly Segment[]): number | undefined {
  if (region.size < memsz || region.start + region.size - 1 < min) return undefined
  let start = roundDown(region.start + region.size - memsz, align)
  for (;;) {
    if (start < region.start || start < min) return undefined
    const at = start
    const conflict = placed.find((segment) => at < segment.start + segment.memsz && at + memsz > segment.start)
    if (conflict === undefined) return start
    if (conflict.start < memsz) return undefined
    start = roundDown(conflict.start - memsz, align)
  }
}

/** Places all segments; each takes the first region of the list that has a hole. The error says which found none. */
export function placeSegments(
  requests: readonly SegmentRequest[],
  regions: readonly Region[],
  where: 'scratch region' | 'range of System RAM' = 'scratch region',
): Result<readonly Segment[]> {
  const placed: Segment[] = []
  for (const { name, memsz: asked, align: wanted, min } of requests) {
    const memsz = roundUp(asked, PAGE_SIZE)
    const align = Math.max(wanted, PAGE_SIZE)
    let start: number | undefined
    for (const region of regions) {
      start = holeTopDown(region, memsz, align, min, placed)
      if (start !== undefined) break
    }
    if (start === undefined) {
      return err(`no ${where} has room for the ${name} (${memsz} bytes): kexec_file_load fails with EADDRNOTAVAIL`)
    }
    placed.push({ name, start, memsz })
  }
  return ok(placed)
}

/** Whether bzImage64_load() takes a command line of this length at all. */
export const cmdlineFits = (length: number): boolean => length + 1 + MAX_ELFCOREHDR_STR_LEN <= CMDLINE_SIZE
