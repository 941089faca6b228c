import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { PAGE_SIZE, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'
import { u64Number, viewOf } from './bytes.ts'

/** struct boot_params, the zero page (arch/x86/include/uapi/asm/bootparam.h, 7.3). */
export interface BootParams {
  readonly ramdiskImage: PhysAddr
  readonly ramdiskSize: number
  readonly cmdLinePtr: PhysAddr
  /** Head of the setup_data chain, 0 when empty. */
  readonly setupData: PhysAddr
  /** As the boot loader gave it, in its order. */
  readonly e820: readonly E820Entry[]
}

export interface E820Entry {
  readonly start: PhysAddr
  readonly size: number
  /** 1 RAM, 2 reserved, 3 ACPI data, 4 ACPI NVS, 5 unusable, 7 persistent memory, … */
  readonly type: number
}

const E820_TABLE = 0x2d0
const E820_ENTRY_SIZE = 20
const E820_MAX_ENTRIES = 128

export function decodeBootParams(bytes: Uint8Array): Result<BootParams> {
  if (bytes.length < PAGE_SIZE) return err(`boot_params is too small: ${bytes.length} of ${PAGE_SIZE} bytes`)
  const view = viewOf(bytes)
  /** Fields of the first protocol are 32 bits wide; ext_* hold the upper halves. */
  const wide = (low: number, high: number): number => view.getUint32(high, true) * 2 ** 32 + view.getUint32(low, true)
  const ramdiskImage = wide(0x218, 0xc0)
  const ramdiskSize = wide(0x21c, 0xc4)
  const cmdLinePtr = wide(0x228, 0xc8)
  const setupData = u64Number(view, 0x250)
  if (Math.max(ramdiskImage, ramdiskSize, cmdLinePtr) >= 2 ** 52 || setupData === undefined) {
    return err('boot_params holds an address or a size of 2^52 or more')
  }
  const e820 = decodeE820(view)
  if (!e820.ok) return e820
  return ok({
    ramdiskImage: physAddr(ramdiskImage),
    ramdiskSize,
    cmdLinePtr: physAddr(cmdLinePtr),
    setupData: physAddr(setupData),
    e820: e820.value,
  })
}

function decodeE820(view: DataView): Result<E820Entry[]> {
  const count = view.getUint8(0x1e8)
  if (count > E820_MAX_ENTRIES) return err(`boot_params has ${count} e820 entries, more than ${E820_MAX_ENTRIES}`)
  const entries: E820Entry[] = []
  for (let index = 0; index < count; index++) {
    const offset = E820_TABLE + index * E820_ENTRY_SIZE
    const start = u64Number(view, offset)
    const size = u64Number(view, offset + 8)
    if (start === undefined || size === undefined) return err(`e820 entry ${index} holds 2^52 or more`)
    entries.push({ start: physAddr(start), size, type: view.getUint32(offset + 16, true) })
  }
  return ok(entries)
}

/** What the kernel calls an e820 type in /sys/firmware/memmap and /proc/iomem: e820_type_to_string(), arch/x86/kernel/e820.c, 7.3. */
export function e820TypeName(type: number): string {
  switch (type) {
    case 1:
      return 'System RAM'
    case 2:
      return 'Reserved'
    case 3:
      return 'ACPI Tables'
    case 4:
      return 'ACPI Non-volatile Storage'
    case 5:
      return 'Unusable memory'
    case 7:
      return 'Persistent Memory'
    case 12:
      return 'Persistent Memory (legacy)'
    case 0xefffffff:
      return 'Soft Reserved'
    default:
      return 'Unknown E820 type'
  }
}
