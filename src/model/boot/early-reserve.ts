import { fromHex, KiB, MiB, PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { FLAG } from '../memblock/flags.ts'
import { NO_NODE } from '../memblock/regions.ts'
import { entryAreaTables } from './kaslr.ts'
import { NotModelled, allocate, sizeOf, symbolAt, type BootState } from './input.ts'

/** BIOS_START_MAX (arch/x86/kernel/ebda.c, 7.3): SeaBIOS' data area begins above it, so it is where the BIOS begins. */
const BIOS_START = 0x9f000
const RAM = 'System RAM'

/** setup_arch() runs with memblock confined to the first MiB until all RAM is mapped. */
const ISA_END = MiB

export function reserveKernelImage({ memblock, input }: BootState): void {
  memblock.reserve(input.kernelBase, sizeOf(input, '_text', '__end_of_kernel_reserve'), NO_NODE, FLAG.RSRV_KERN)
}

/** Memory that firmware is known to corrupt. */
export const reserveFirst64K = ({ memblock }: BootState): void => void memblock.reserve(0, 64 * KiB)

export function reserveInitrd({ memblock, input }: BootState): void {
  const { start, end } = input.initrd
  if (end > start) memblock.reserve(start, roundUp(end, PAGE_SIZE) - start, NO_NODE, FLAG.RSRV_KERN)
}

/** memblock_x86_reserve_range_setup_data() (arch/x86/kernel/setup.c, 7.3) */
export function reserveSetupData({ memblock, input }: BootState): void {
  for (const { start, end } of input.setupData) memblock.reserve(start, end - start, NO_NODE, FLAG.RSRV_KERN)
}

export const reserveBios = ({ memblock }: BootState): void => void memblock.reserve(BIOS_START, MiB - BIOS_START)

/** What the kernel has taken of its brk area by then. */
export function reserveBrk({ memblock, input }: BootState, bytes: number): void {
  memblock.reserve(symbolAt(input, '__brk_base'), bytes, NO_NODE, FLAG.RSRV_KERN)
}

/** The firmware's RAM without page 0 (trim_bios_range()), whole pages only. */
export function addMemory(state: BootState): void {
  const { memblock, input } = state
  memblock.currentLimit = ISA_END
  memblock.canResize = true
  for (const { start, end, type } of input.map) {
    if (type !== RAM) continue
    const from = Math.max(fromHex(start), PAGE_SIZE)
    memblock.add(from, fromHex(end) - from, NO_NODE)
    state.maxRam = roundDown(fromHex(end), PAGE_SIZE)
  }
  memblock.setFlag(memblock.memory, 0, MiB, FLAG.KHO_SCRATCH)
  for (const region of [...memblock.memory.regions]) {
    const end = region.base + region.size
    const whole = roundDown(end, PAGE_SIZE)
    if (whole < end) memblock.memory.remove(whole, end - whole)
  }
}

/** The trampoline of the other CPUs below 1 MiB, and then all of the first MiB. */
export function reserveRealMode(state: BootState): void {
  const { memblock, input } = state
  const size = roundUp(sizeOf(input, 'real_mode_blob', 'real_mode_blob_end'), PAGE_SIZE)
  if (memblock.alloc({ size, align: PAGE_SIZE, end: MiB }) === undefined)
    throw new NotModelled('no room for the real-mode trampoline')
  memblock.reserve(0, MiB)
  memblock.clearFlag(memblock.memory, 0, MiB, FLAG.KHO_SCRATCH)
}

/** One area behind the other, unless KASLR has drawn places for them. */
export function allocateEntryAreaTables(state: BootState): void {
  const { input } = state
  const inOrder = input.cpuNodes.map((_node, cpu) => cpu)
  const count = input.random.entryAreaPages ?? entryAreaTables(inOrder, input.build.numbers, input.processor)
  for (let page = 0; page < count; page++)
    allocate(state, 'page tables of the CPU entry areas', { size: PAGE_SIZE, align: PAGE_SIZE })
}
