/* eslint-disable no-bitwise -- frames here are indices into an arena of at most MAX_FRAMES, never wide addresses; these are the allocator's innermost steps */

/** Largest number of free pages in one piece: MAX_PAGE_ORDER (include/linux/mmzone.h, 7.3). */
export const MAX_PAGE_ORDER = 10
export const MAX_ORDER_FRAMES = 1024
/** HPAGE_PMD_ORDER on x86-64: migratetypes belong to pieces of this size (include/linux/pageblock-flags.h, 7.3). */
export const PAGEBLOCK_ORDER = 9
export const PAGEBLOCK_FRAMES = 512
/** 2 TiB of 4 KiB frames; keeps twice every index, list sentinels included, inside 31 bits. */
export const MAX_FRAMES = 2 ** 29

/** Frames of a block of `order`, which is at most 30. */
export const framesOf = (order: number): number => 1 << order
/** The other half of the block of twice the size (mm/internal.h, __find_buddy_pfn, 7.3). */
export const buddyOf = (frame: number, order: number): number => frame ^ (1 << order)
export const alignDown = (frame: number, order: number): number => frame & -(1 << order)
/** Index of a frame's or a sentinel's `next` in {@link Pages.links}; its `prev` is the one after. */
export const nextOf = (frame: number): number => frame << 1
export const prevOf = (frame: number): number => (frame << 1) | 1
export const pageblockOf = (frame: number): number => frame >> PAGEBLOCK_ORDER
/** The largest order at which `frame` is aligned, at most `limit`. */
export const alignmentOf = (frame: number, limit: number): number =>
  frame === 0 ? limit : Math.min(limit, 31 - Math.clz32(frame & -frame))
