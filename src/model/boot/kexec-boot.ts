import type { KernelFacts } from '../../shared/documents/index.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { khoRoom, SETUP_DATA_BYTES, placeSegments, segmentRequests, setupDataOffset } from '../kexec-placement.ts'
import { bootInput, type FirstBoot } from './first-boot.ts'
import type { BootInput, Handover, Randomness } from './input.ts'

/** What is known of a boot that kexec starts. */
export interface KexecBoot extends Omit<FirstBoot, 'initrdSize'> {
  readonly kernel: Pick<KernelFacts, 'header' | 'initrdSize'>
  /** Where _text lies; undefined without KASLR: the kernel then runs where it was loaded. */
  readonly kernelBase: number | undefined
  readonly random: Randomness
}

/** Where kexec_file_load() put what the next kernel needs. */
export interface Loaded {
  readonly bootParams: number
  readonly kernel: number
  /** Absent where there is no initrd. */
  readonly initrd: number | undefined
}

/**
 * All that decides what such a boot reserves: the firmware's map as before (setup_e820_entries(),
 * arch/x86/kernel/kexec-bzimage64.c, 7.3), everything else where it was loaded. `entries`: which entries setup_data has, and whether the kernel that loaded
 * them is built without KHO. A kernel gives a seed for random numbers as soon as it has some itself, long before it can load another.
 */
export function kexecBootInput(
  boot: KexecBoot,
  loaded: Loaded,
  entries: { readonly kho: boolean; readonly withoutKho: boolean },
): BootInput {
  const { kernel, cmdline, random } = boot
  const input = bootInput({ ...boot, initrdSize: kernel.initrdSize }, boot.kernelBase ?? loaded.kernel, random)
  const start = loaded.bootParams + setupDataOffset(cmdline.length)
  const { kho, seed } = SETUP_DATA_BYTES
  const seedAt = start + khoRoom(entries.withoutKho)
  const initrd = loaded.initrd ?? 0
  return {
    ...input,
    initrd: { start: initrd, end: loaded.initrd === undefined ? 0 : initrd + kernel.initrdSize },
    setupData: [{ start: seedAt, end: seedAt + seed }, ...(entries.kho ? [{ start, end: start + kho }] : [])],
  }
}

/** The same for a boot with a handover: its segments lie in scratch. `purgatorySize`: of the kernel that loads. */
export function handedBootInput(boot: KexecBoot, handover: Omit<Handover, 'array'>, purgatorySize: number): Result<BootInput> {
  const placed = placeSegments(
    segmentRequests({
      scratchCount: handover.scratch.length,
      purgatorySize,
      cmdlineLength: boot.cmdline.length,
      kernel: boot.kernel.header,
      initrdSize: boot.kernel.initrdSize,
    }),
    handover.scratch,
  )
  if (!placed.ok) return placed
  const startOf = (name: string): number | undefined => placed.value.find((segment) => segment.name === name)?.start
  const [array, bootParams, kernel] = [startOf('scratch array'), startOf('boot params'), startOf('kernel')]
  if (array === undefined || bootParams === undefined || kernel === undefined) return err('a segment has no place')
  const input = kexecBootInput(boot, { bootParams, kernel, initrd: startOf('initrd') }, { kho: true, withoutKho: false })
  return ok({ ...input, handover: { ...handover, array } })
}
