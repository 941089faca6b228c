import { notSeen, seen, type HostView } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { KiB, PAGE_SIZE, hex } from '../../shared/units.ts'

/** Where QEMU puts the real-mode part of a kernel (x86_load_linux(), hw/i386/x86.c, QEMU 7.2); it ends before the command line. */
const SETUP_CODE = 0x10000
const SETUP_AREA = 64 * KiB
/** Of struct setup_header in the file and in struct boot_params alike. */
const MAGIC_AT = 0x202
const MAGIC = Buffer.from('HdrS')
const BOOT_PARAMS_ALIGN = 16

/**
 * The setup code of a first boot, and the struct boot_params that it fills: copy_boot_params() (arch/x86/boot/main.c, 7.3) copies
 * its header there, so the magic is in RAM twice. setup_arch() reserves the first MiB, so both stay.
 */
export function findSetupCode(memory: PhysMemory): NonNullable<HostView['setupCode']> {
  const area = memory.read(SETUP_CODE, SETUP_AREA)
  if (area === undefined) return notSeen(`there is no RAM at ${hex(SETUP_CODE)}`)
  const bytes = Buffer.from(area.buffer, area.byteOffset, area.length)
  const places: number[] = []
  for (let at = bytes.indexOf(MAGIC); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) places.push(at - MAGIC_AT)
  const [code, ...copies] = places
  if (code !== 0) return notSeen(`no setup header of a kernel lies at ${hex(SETUP_CODE)}`)
  const whole = copies.filter((at) => at % BOOT_PARAMS_ALIGN === 0 && at + PAGE_SIZE <= SETUP_AREA)
  const [params] = whole
  if (params === undefined || whole.length > 1)
    return notSeen(`${whole.length} copies of the setup header lie behind ${hex(SETUP_CODE)}, not one`)
  return seen({ address: hex(SETUP_CODE), bootParams: hex(SETUP_CODE + params) })
}
