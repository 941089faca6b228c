/** Physical address in bytes. x86-64 addresses stay below 2^52, so a `number` holds them exactly. */
export type PhysAddr = number & { readonly __unit: 'PhysAddr' }
/** A size in bytes. */
export type Bytes = number & { readonly __unit: 'Bytes' }

export const PAGE_SHIFT = 12
export const PAGE_SIZE = 4096
export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
export const TiB = 1024 * GiB

/** Highest physical address plus one that any x86-64 processor can have (52 bits). */
export const PHYS_ADDR_LIMIT = 2 ** 52

export const physAddr = (value: number): PhysAddr => value as PhysAddr
export const bytes = (value: number): Bytes => value as Bytes

/** Lower-case hexadecimal with 0x, as the kernel's %#llx prints it (0 is `0x0`). */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`

/** Reads what {@link hex} wrote. Throws RangeError when the text is no hexadecimal number that fits 2^53. */
export function fromHex(text: string): number {
  if (!/^0x[0-9a-f]+$/i.test(text)) throw new RangeError(`not a hexadecimal number: ${text}`)
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`number too large: ${text}`)
  return value
}

/** Rounds down to a multiple of `align` (any positive integer). Exact up to 2^53. */
export const roundDown = (value: number, align: number): number => value - (value % align)
/** Rounds up to a multiple of `align` (any positive integer). Exact up to 2^53. */
export const roundUp = (value: number, align: number): number => roundDown(value + align - 1, align)

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: KiB,
  kib: KiB,
  m: MiB,
  mib: MiB,
  g: GiB,
  gib: GiB,
  t: TiB,
  tib: TiB,
}

/**
 * Parses `4GiB`, `20M`, `4096`. K, M, G and T are powers of 1024, as memparse() in lib/cmdline.c has them.
 * Returns undefined when the text is no size or does not fit 2^53.
 */
export function parseSize(text: string): Bytes | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  if (!match) return undefined
  const unit = SIZE_UNITS[match[2]?.toLowerCase() ?? '']
  if (unit === undefined) return undefined
  const value = Number(match[1]) * unit
  return Number.isSafeInteger(value) ? bytes(value) : undefined
}

/** Shortest exact form with a binary unit: 4 GiB, 1536 MiB, 233 B. */
export function formatSize(value: number): string {
  for (const [unit, name] of [
    [TiB, 'TiB'],
    [GiB, 'GiB'],
    [MiB, 'MiB'],
    [KiB, 'KiB'],
  ] as const) {
    if (value >= unit && value % unit === 0) return `${value / unit} ${name}`
  }
  return `${value} B`
}
