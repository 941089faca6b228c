import type { PhysMemory } from '../shared/phys-memory.ts'

/** Memory that is mapped in one piece: `length` bytes from physical address `start` on. */
export interface Mapped {
  readonly start: number
  readonly length: number
}

const INDEX_BITS = 9n
const PAGE_SHIFT = 12n
const PRESENT = 1n
/** A page of 1 GiB or 2 MiB instead of a table (_PAGE_PSE). */
const LARGE = 1n << 7n
const ADDRESS = 0x000f_ffff_ffff_f000n

/**
 * Where virtual address `virtual` of a kernel lies, by its page tables of 4 or 5 levels from `top` on (Intel SDM volume 3, 4.5;
 * arch/x86/include/asm/pgtable_types.h, 7.3). The piece goes from the address to the end of its page. Undefined where nothing is
 * mapped, or a table is outside RAM.
 */
export function translate(memory: PhysMemory, top: number, levels: 4 | 5, virtual: bigint): Mapped | undefined {
  let table = top
  for (let level = levels - 1; level >= 0; level--) {
    const shift = PAGE_SHIFT + INDEX_BITS * BigInt(level)
    const index = Number((virtual >> shift) & ((1n << INDEX_BITS) - 1n))
    const bytes = memory.read(table + index * 8, 8)
    const entry = bytes === undefined ? 0n : new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
    if ((entry & PRESENT) === 0n) return undefined
    if (level === 0 || ((entry & LARGE) !== 0n && level <= 2)) {
      const size = 1n << shift
      const within = virtual & (size - 1n)
      return { start: Number((entry & ADDRESS & ~(size - 1n)) + within), length: Number(size - within) }
    }
    table = Number(entry & ADDRESS)
  }
  return undefined
}
