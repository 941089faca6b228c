/** NUMA_NO_NODE and MAX_NUMNODES: neither names a node. */
export const NO_NODE = -1
export const MAX_NUMNODES = 64

/** numa_valid_node() of include/linux/numa.h */
export const isNode = (nid: number): boolean => nid >= 0 && nid < MAX_NUMNODES

/** [base, base + size), all on one node with the same flags. Addresses and sizes in bytes. */
export interface Region {
  base: number
  size: number
  flags: number
  nid: number
}

const endOf = (region: Region): number => region.base + region.size

/** A change of a list that needs more room asks for it here before it inserts (memblock_double_array, mm/memblock.c). */
export type MakeRoom = (list: RegionList, base: number, size: number) => boolean

/**
 * struct memblock_type: disjoint regions in ascending order, merged where neighbours are alike.
 * `max` is the capacity of the kernel's array, which decides when the kernel allocates a larger one.
 */
export class RegionList {
  readonly regions: Region[] = []
  max: number
  readonly #makeRoom: MakeRoom

  constructor(max: number, makeRoom: MakeRoom) {
    this.max = max
    this.#makeRoom = makeRoom
  }

  /** Index of the first region that ends above `address`. */
  firstEndingAbove(address: number): number {
    let low = 0
    let high = this.regions.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const region = this.regions[middle]
      if (region !== undefined && endOf(region) <= address) low = middle + 1
      else high = middle
    }
    return low
  }

  overlaps(base: number, size: number): boolean {
    const region = this.regions[this.firstEndingAbove(base)]
    return region !== undefined && region.base < base + size
  }

  /**
   * memblock_add_range(): adds [base, base + size) where it is not covered yet; what is covered keeps its flags and node.
   * False when the array would have to grow and cannot (-ENOMEM).
   */
  add(base: number, size: number, nid: number, flags: number): boolean {
    if (size === 0) return true
    if (this.regions.length === 0) {
      this.regions.push({ base, size, flags, nid })
      return true
    }
    // The kernel counts first only if cnt * 2 + 1 > max; the count is what decides about growing.
    if (this.regions.length * 2 + 1 > this.max) {
      const needed = this.#gaps(base, base + size).length
      if (needed === 0) return true
      while (this.regions.length + needed > this.max) if (!this.#makeRoom(this, base, size)) return false
    }
    // Growing may have reserved the new array in this very list, so the gaps are looked for again.
    const gaps = this.#gaps(base, base + size)
    if (gaps.length === 0) return true
    let shift = 0
    for (const gap of gaps) {
      this.regions.splice(gap.index + shift, 0, { base: gap.base, size: gap.end - gap.base, flags, nid })
      shift += 1
    }
    const first = gaps[0]
    const last = gaps[gaps.length - 1]
    if (first !== undefined && last !== undefined) this.merge(first.index, last.index + shift)
    return true
  }

  /** The uncovered parts of [base, end), each with the index at which a region for it belongs. */
  #gaps(base: number, end: number): { index: number; base: number; end: number }[] {
    const gaps: { index: number; base: number; end: number }[] = []
    let from = base
    let index = this.firstEndingAbove(base)
    for (; index < this.regions.length; index++) {
      const region = this.regions[index]
      if (region === undefined || region.base >= end) break
      if (region.base > from) gaps.push({ index, base: from, end: region.base })
      from = Math.min(endOf(region), end)
    }
    if (from < end) gaps.push({ index, base: from, end })
    return gaps
  }

  /** memblock_merge_regions(): joins alike neighbours among regions [start - 1, end). */
  merge(start: number, end: number): void {
    let index = start > 0 ? start - 1 : 0
    let last = Math.min(end, this.regions.length - 1)
    while (index < last) {
      const region = this.regions[index]
      const next = this.regions[index + 1]
      if (region === undefined || next === undefined) return
      if (endOf(region) !== next.base || region.nid !== next.nid || region.flags !== next.flags) {
        index += 1
        continue
      }
      region.size += next.size
      this.regions.splice(index + 1, 1)
      last -= 1
    }
  }

  /**
   * memblock_isolate_range(): cuts regions at the borders of [base, base + size); answers which regions [start, end) then
   * lie inside. Undefined when the array cannot grow.
   */
  isolate(base: number, size: number): { readonly start: number; readonly end: number } | undefined {
    if (size === 0) return { start: 0, end: 0 }
    while (this.regions.length + 2 > this.max) if (!this.#makeRoom(this, base, size)) return undefined
    this.#cut(base)
    this.#cut(base + size)
    const start = this.firstEndingAbove(base)
    let end = start
    while ((this.regions[end]?.base ?? Infinity) < base + size) end += 1
    return { start, end }
  }

  #cut(address: number): void {
    const index = this.firstEndingAbove(address)
    const region = this.regions[index]
    if (region === undefined || region.base >= address) return
    this.regions.splice(index, 0, { ...region, size: address - region.base })
    region.size -= address - region.base
    region.base = address
  }

  /** memblock_remove_range(). False when the array cannot grow. */
  remove(base: number, size: number): boolean {
    const inside = this.isolate(base, size)
    if (inside === undefined) return false
    this.regions.splice(inside.start, inside.end - inside.start)
    return true
  }

  /** Changes every region of [base, base + size) and merges (memblock_setclr_flag, memblock_set_node). */
  change(base: number, size: number, edit: (region: Region) => void): boolean {
    const inside = this.isolate(base, size)
    if (inside === undefined) return false
    for (const region of this.regions.slice(inside.start, inside.end)) edit(region)
    this.merge(inside.start, inside.end)
    return true
  }

  totalSize(): number {
    return this.regions.reduce((sum, region) => sum + region.size, 0)
  }
}
