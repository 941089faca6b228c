import { GiB } from '../shared/units.ts'

/** Structures that QEMU describes each machine with, and the strings that SeaBIOS adds of itself. */
const MACHINE = {
  q35: { product: 'Standard PC (Q35 + ICH9, 2009)', version: 'pc-q35-7.2' },
  pc: { product: 'Standard PC (i440FX + PIIX, 1996)', version: 'pc-i440fx-7.2' },
} as const
const MAKER = 'QEMU'
const BIOS = ['SeaBIOS', '1.16.2-debian-1.16.2-1', '04/01/2014']
/** Largest module of memory that QEMU describes (hw/smbios/smbios.c, QEMU 7.2). */
const MODULE = 16 * GiB

/** Fixed part, then every string with its 0, then one more 0; two where there is no string. */
const structure = (fixed: number, strings: readonly string[]): number =>
  fixed +
  Math.max(
    2,
    strings.reduce((sum, text) => sum + text.length + 1, 1),
  )

const times = (count: number, size: (index: number) => number): number =>
  Array.from({ length: count }, (_unused, index) => size(index)).reduce((sum, bytes) => sum + bytes, 0)

/**
 * Bytes of the SMBIOS tables: smbios_get_tables() (hw/smbios/smbios.c, QEMU 7.2, 32-bit entry point) and the structure of
 * the BIOS that SeaBIOS puts before them (smbios_romfile_setup(), src/fw/biostables.c, 1.16.2 of Debian).
 */
export function smbiosLength(machine: {
  readonly type: keyof typeof MACHINE
  readonly memory: number
  readonly sockets: number
  /** 1, or 2 with RAM above 4 GiB. */
  readonly ramSpans: number
}): number {
  const { product, version } = MACHINE[machine.type]
  return (
    structure(24, BIOS) +
    structure(27, [MAKER, product, version]) +
    structure(22, [MAKER, version]) +
    times(machine.sockets, (socket) => structure(42, [`CPU ${socket}`, MAKER, version])) +
    structure(23, []) +
    times(Math.ceil(machine.memory / MODULE), (module) => structure(40, [`DIMM ${module}`, MAKER])) +
    times(machine.ramSpans, () => structure(31, [])) +
    structure(11, []) +
    structure(4, [])
  )
}
