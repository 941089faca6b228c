import { KiB, PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { ramSpans, type MachineType, type Span } from '../firmware-map.ts'

/** Room below the top of low RAM that QEMU keeps for the ACPI tables (acpi_data_size, hw/i386/pc.c). */
const ACPI_DATA = 128 * KiB
const FOUR_GIB = 2 ** 32

/** What BIOS call E801h counts memory in. */
const E801_UNIT = 64 * KiB

/**
 * Where the initrd comes to lie: QEMU puts it as high as it can below the ACPI tables (x86_load_linux(), hw/i386/x86.c, QEMU
 * 7.2; the kernel's own limit does not bind with XLF_CAN_BE_LOADED_ABOVE_4G), and its boot ROM moves it down when the
 * firmware keeps more than that (load_kernel(), pc-bios/optionrom/linuxboot_dma.c). `ramEnd`: end of the firmware's RAM
 * below 4 GiB.
 */
export function initrdPlace(type: MachineType, memory: number, size: number, ramEnd: number): Span {
  const low = ramSpans(type, memory)[0]?.end ?? 0
  const highest = Math.min(FOUR_GIB - 1, low - ACPI_DATA - 1)
  const wanted = roundDown(highest - size, PAGE_SIZE)
  const beyond = roundUp(wanted + size, PAGE_SIZE) - roundDown(ramEnd, E801_UNIT)
  const start = wanted - Math.max(0, beyond)
  return { start, end: start + size }
}
