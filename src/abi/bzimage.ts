import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { cString, u64Number, viewOf } from './bytes.ts'

/** struct setup_header of a bzImage (Documentation/arch/x86/boot.rst; arch/x86/include/uapi/asm/bootparam.h, 7.3). */
export interface BzImage {
  /** Boot protocol version, for example 0x020f. */
  readonly version: number
  /** The whole banner: "7.3.4 (user@host) #1 SMP …". */
  readonly kernelVersion: string
  /** Its first word: `uname -r`. */
  readonly release: string
  /** Sectors of real-mode code after the boot sector; the kernel proper starts at (setupSects + 1) * 512. */
  readonly setupSects: number
  /** Size of the protected-mode code in 16-byte paragraphs. */
  readonly syssize: number
  readonly relocatable: boolean
  /** Bytes; the physical start must be a multiple of this. */
  readonly kernelAlignment: number
  /** Physical address that the kernel was linked for. */
  readonly prefAddress: number
  /** Bytes of memory that the kernel needs from its start before it can look at the memory map. */
  readonly initSize: number
  readonly initrdAddrMax: number
  readonly cmdlineSize: number
  readonly xloadflags: number
  readonly loadflags: number
  /** Length of the file that was parsed. */
  readonly fileSize: number
}

/** Protocol 2.12 brought xloadflags; kexec_file_load asks for it too (bzImage64_probe(), arch/x86/kernel/kexec-bzimage64.c, 7.3). */
const OLDEST_VERSION = 0x020c
const LOADED_HIGH = 1
const XLF_KERNEL_64 = 1
const XLF_CAN_BE_LOADED_ABOVE_4G = 2

/** Refuses what bzImage64_probe() (7.3) refuses, and says which of its tests failed. */
export function parseBzImage(bytes: Uint8Array): Result<BzImage> {
  if (bytes.length < 2 * 512) return err(`a bzImage has at least 1024 bytes, this file has ${bytes.length}`)
  const view = viewOf(bytes)
  const u16 = (offset: number): number => view.getUint16(offset, true)
  const u32 = (offset: number): number => view.getUint32(offset, true)
  if (u32(0x202) !== 0x53726448) return err("there is no 'HdrS' at 0x202: this file is no bzImage")
  if (u16(0x1fe) !== 0xaa55) return err('there is no boot sector signature at 0x1fe')
  const version = u16(0x206)
  if (version < OLDEST_VERSION) return err(`boot protocol 0x${version.toString(16)} is older than 2.12`)
  const loadflags = view.getUint8(0x211)
  if (loadflags % 2 !== LOADED_HIGH) return err('the kernel is a zImage: its code is not loaded at 1 MiB')
  const xloadflags = u16(0x236)
  if (!hasFlag(xloadflags, XLF_KERNEL_64)) return err('the kernel is not a 64-bit kernel')
  if (!hasFlag(xloadflags, XLF_CAN_BE_LOADED_ABOVE_4G)) return err('the kernel cannot be loaded above 4 GiB')
  const kernelVersion = versionString(bytes, u16(0x20e))
  if (!kernelVersion.ok) return kernelVersion
  const prefAddress = u64Number(view, 0x258)
  if (prefAddress === undefined) return err('pref_address is 2^52 or more')
  const kernelAlignment = u32(0x230)
  if (kernelAlignment === 0) return err('kernel_alignment is 0')
  const setupSects = view.getUint8(0x1f1) || 4
  if ((setupSects + 1) * 512 > bytes.length) return err(`the setup code has ${setupSects} sectors, more than the file`)
  return ok({
    version,
    loadflags,
    xloadflags,
    prefAddress,
    kernelAlignment,
    setupSects,
    kernelVersion: kernelVersion.value,
    release: kernelVersion.value.split(' ', 1)[0] ?? '',
    syssize: u32(0x1f4),
    relocatable: view.getUint8(0x234) !== 0,
    initSize: u32(0x260),
    initrdAddrMax: u32(0x22c),
    cmdlineSize: u32(0x238),
    fileSize: bytes.length,
  })
}

/**
 * The packed kernel in a bzImage: payload_offset and payload_length count from the protected-mode code
 * (Documentation/arch/x86/boot.rst, protocol 2.08).
 */
export function bzImagePayload(bytes: Uint8Array): Result<Uint8Array> {
  const header = parseBzImage(bytes)
  if (!header.ok) return header
  const view = viewOf(bytes)
  const start = (header.value.setupSects + 1) * 512 + view.getUint32(0x248, true)
  const end = start + view.getUint32(0x24c, true)
  return end > start && end <= bytes.length ? ok(bytes.subarray(start, end)) : err('its payload lies outside the file')
}

const hasFlag = (flags: number, flag: number): boolean => Math.floor(flags / flag) % 2 === 1

/** The field is the distance of a C string from offset 0x200; 0 means none. The setup code is at most 64 sectors long. */
function versionString(bytes: Uint8Array, pointer: number): Result<string> {
  if (pointer === 0) return err('the kernel names no version')
  const start = 0x200 + pointer
  const text = start < bytes.length ? cString(bytes.subarray(start, start + 512)) : undefined
  return text === undefined || text === ''
    ? err(`the kernel's version string at 0x${start.toString(16)} is not readable`)
    : ok(text)
}
