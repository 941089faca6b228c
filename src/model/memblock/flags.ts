/* eslint-disable no-bitwise -- a few flags, not an address: 32 bits are plenty */

/** Flags of a region, by the kernel's names without MEMBLOCK_ (include/linux/memblock.h, enum memblock_flags, 7.3). */
export const FLAG = {
  NONE: 0x0,
  HOTPLUG: 0x1,
  MIRROR: 0x2,
  NOMAP: 0x4,
  DRIVER_MANAGED: 0x8,
  RSRV_NOINIT: 0x10,
  RSRV_KERN: 0x20,
  KHO_SCRATCH: 0x40,
  RSRV_HUGETLB: 0x80,
} as const

export const withFlag = (flags: number, flag: number): number => flags | flag
export const withoutFlag = (flags: number, flag: number): number => flags & ~flag
/** Any of the flags in `mask`. */
export const hasFlag = (flags: number, mask: number): boolean => (flags & mask) !== 0
