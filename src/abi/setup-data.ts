import type { PhysMemory } from '../shared/phys-memory.ts'
import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { hex, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'
import { setU64, u64Number, viewOf } from './bytes.ts'

/** arch/x86/include/uapi/asm/setup_data.h, the same from 6.16 to 7.3. */
export const SETUP_KEXEC_KHO = 10
const HEADER_SIZE = 16
/** sizeof(struct kho_data) */
export const KHO_SETUP_DATA_SIZE = 32
/** struct kho_scratch { u64 addr; u64 size; } */
export const SCRATCH_ENTRY_SIZE = 16
/** Boot loaders chain a handful; the payload of any that the kernel knows fits in 1 MiB. */
const MAX_ENTRIES = 64
const MAX_LENGTH = 2 ** 20

export interface KhoSetupData {
  readonly fdtAddress: PhysAddr
  /** 4096: the page, not the blob in it. */
  readonly fdtSize: number
  readonly scratchAddress: PhysAddr
  /** 16 bytes per scratch region. */
  readonly scratchSize: number
}

/** struct kho_data: the payload of a setup_data of type SETUP_KEXEC_KHO, which setup_kho() fills (arch/x86/kernel/kexec-bzimage64.c, 7.3). */
export function decodeKhoSetupData(bytes: Uint8Array): Result<KhoSetupData> {
  if (bytes.length < KHO_SETUP_DATA_SIZE) return err(`kho_data is too small: ${bytes.length} of ${KHO_SETUP_DATA_SIZE} bytes`)
  const view = viewOf(bytes)
  const fdtAddress = u64Number(view, 0)
  const fdtSize = u64Number(view, 8)
  const scratchAddress = u64Number(view, 16)
  const scratchSize = u64Number(view, 24)
  if (fdtAddress === undefined || fdtSize === undefined || scratchAddress === undefined || scratchSize === undefined) {
    return err('kho_data holds an address or a size of 2^52 or more')
  }
  return ok({ fdtAddress: physAddr(fdtAddress), fdtSize, scratchAddress: physAddr(scratchAddress), scratchSize })
}

export function encodeKhoSetupData(data: KhoSetupData): Uint8Array {
  const bytes = new Uint8Array(KHO_SETUP_DATA_SIZE)
  const values = [data.fdtAddress, data.fdtSize, data.scratchAddress, data.scratchSize]
  values.forEach((value, index) => setU64(viewOf(bytes), 8 * index, value))
  return bytes
}

export interface SetupData {
  /** Where struct setup_data itself lies. */
  readonly address: PhysAddr
  readonly type: number
  readonly payload: Uint8Array
}

/** The chain in guest RAM that boot_params.hdr.setup_data heads (parse_setup_data(), arch/x86/kernel/setup.c). */
export function readSetupData(memory: PhysMemory, head: number): Result<readonly SetupData[]> {
  const seen = new Set<number>()
  const entries: SetupData[] = []
  for (let address = head; address !== 0;) {
    if (seen.has(address)) return err(`the setup_data chain comes back to ${hex(address)}`)
    if (seen.size >= MAX_ENTRIES) return err(`the setup_data chain has more than ${MAX_ENTRIES} entries`)
    seen.add(address)
    const header = memory.read(address, HEADER_SIZE)
    if (header?.length !== HEADER_SIZE) return err(`a setup_data header at ${hex(address)} lies outside RAM`)
    const view = viewOf(header)
    const next = u64Number(view, 0)
    const length = view.getUint32(12, true)
    if (next === undefined) return err(`the setup_data at ${hex(address)} points to 2^52 or more`)
    if (length > MAX_LENGTH) return err(`the setup_data at ${hex(address)} claims ${length} bytes`)
    const payload = memory.read(address + HEADER_SIZE, length)
    if (payload?.length !== length) return err(`the payload of the setup_data at ${hex(address)} lies outside RAM`)
    entries.push({ address: physAddr(address), type: view.getUint32(8, true), payload })
    address = next
  }
  return ok(entries)
}

export interface ScratchEntry {
  readonly start: PhysAddr
  readonly size: number
}

/** struct kho_scratch[] (include/asm-generic/kexec_handover.h, 7.3): one entry per 16 bytes; lowmem, global, then one per node. */
export function decodeScratchArray(bytes: Uint8Array): Result<readonly ScratchEntry[]> {
  if (bytes.length === 0 || bytes.length % SCRATCH_ENTRY_SIZE !== 0) {
    return err(`a scratch array of ${bytes.length} bytes does not consist of ${SCRATCH_ENTRY_SIZE}-byte entries`)
  }
  const view = viewOf(bytes)
  const entries: ScratchEntry[] = []
  for (let offset = 0; offset < bytes.length; offset += SCRATCH_ENTRY_SIZE) {
    const start = u64Number(view, offset)
    const size = u64Number(view, offset + 8)
    if (start === undefined || size === undefined) return err(`scratch entry ${entries.length} holds 2^52 or more`)
    entries.push({ start: physAddr(start), size })
  }
  return ok(entries)
}

export function encodeScratchArray(entries: readonly ScratchEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * SCRATCH_ENTRY_SIZE)
  entries.forEach(({ start, size }, index) => {
    setU64(viewOf(bytes), SCRATCH_ENTRY_SIZE * index, start)
    setU64(viewOf(bytes), SCRATCH_ENTRY_SIZE * index + 8, size)
  })
  return bytes
}
