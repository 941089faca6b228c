import { PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { FLAG, hasFlag, withFlag, withoutFlag } from './flags.ts'
import { NO_NODE, RegionList, isNode, type Region } from './regions.ts'

/** MEMBLOCK_ALLOC_ANYWHERE is ~0 in the kernel; every real address is below this. */
export const ANYWHERE = Number.MAX_SAFE_INTEGER
/** MEMBLOCK_ALLOC_ACCESSIBLE: up to the current limit. */
export const ACCESSIBLE = 0

/** INIT_MEMBLOCK_REGIONS of mm/memblock.c */
const INIT_REGIONS = 128
/** sizeof(struct memblock_region) with CONFIG_NUMA on a 64-bit kernel */
const REGION_BYTES = 24

export interface AllocRequest {
  readonly size: number
  readonly align: number
  readonly start?: number
  /** Exclusive; ACCESSIBLE (the default) for the current limit. */
  readonly end?: number
  readonly nid?: number
  /** Fail rather than take memory of another node. */
  readonly exactNid?: boolean
}

/** What happened to the reserved list, in order: what memblock=debug prints as __memblock_reserve and memblock_phys_free. */
export interface Change {
  readonly kind: 'reserve' | 'free'
  readonly base: number
  readonly size: number
  readonly nid: number
  readonly flags: number
  /** So many times, each `size` below the one before; absent for once. */
  readonly count?: number
}

/** The boot-time allocator of mm/memblock.c (7.3). All addresses and sizes in bytes. */
export class Memblock {
  readonly memory: RegionList
  readonly reserved: RegionList
  bottomUp = false
  currentLimit = ANYWHERE
  /** memblock_set_kho_scratch_only(): allocate from KHO_SCRATCH memory alone. */
  khoScratchOnly = false
  /** memblock_allow_resize() was called. */
  canResize = false
  movableNode = false
  /** Regions that bootmem huge pages must stay out of: kho_scratch[] of the running kernel. */
  scratch: readonly { readonly base: number; readonly size: number }[] = []
  readonly journal: Change[] = []

  constructor() {
    this.memory = new RegionList(INIT_REGIONS, (list, base, size) => this.#double(list, base, size))
    this.reserved = new RegionList(INIT_REGIONS, (list, base, size) => this.#double(list, base, size))
  }

  add(base: number, size: number, nid: number, flags: number = FLAG.NONE): boolean {
    return this.memory.add(base, size, nid, flags)
  }

  /** __memblock_reserve() */
  reserve(base: number, size: number, nid: number = NO_NODE, flags: number = FLAG.NONE): boolean {
    this.journal.push({ kind: 'reserve', base, size, nid, flags })
    return this.reserved.add(base, size, nid, flags)
  }

  /** memblock_phys_free() before the buddy allocator is up. */
  free(base: number, size: number): boolean {
    this.journal.push({ kind: 'free', base, size, nid: NO_NODE, flags: FLAG.NONE })
    return this.reserved.remove(base, size)
  }

  setFlag(list: RegionList, base: number, size: number, flag: number): boolean {
    return list.change(base, size, (region) => void (region.flags = withFlag(region.flags, flag)))
  }

  clearFlag(list: RegionList, base: number, size: number, flag: number): boolean {
    return list.change(base, size, (region) => void (region.flags = withoutFlag(region.flags, flag)))
  }

  setNode(list: RegionList, base: number, size: number, nid: number): boolean {
    return list.change(base, size, (region) => void (region.nid = nid))
  }

  /** memblock_alloc_range_nid(): finds and reserves; undefined when nothing fits. */
  alloc(request: AllocRequest): number | undefined {
    const nid = request.nid ?? NO_NODE
    const wanted = this.find({ ...request, nid })
    if (wanted !== undefined && this.reserve(wanted, request.size, nid, FLAG.RSRV_KERN)) return wanted
    if (!isNode(nid) || request.exactNid === true) return undefined
    const elsewhere = this.find({ ...request, nid: NO_NODE })
    if (elsewhere !== undefined && this.reserve(elsewhere, request.size, NO_NODE, FLAG.RSRV_KERN)) return elsewhere
    return undefined
  }

  /** memblock_alloc_internal(): like alloc(), then once more without the lower limit. */
  allocInternal(request: AllocRequest): number | undefined {
    const end = Math.min(request.end ?? ACCESSIBLE, this.currentLimit)
    const found = this.alloc({ ...request, end })
    return found === undefined && (request.start ?? 0) > 0 ? this.alloc({ ...request, start: 0, end }) : found
  }

  /**
   * Up to `most` blocks that are aligned to their size, as many calls of allocInternal() get them, but at the cost of one: as long as
   * each lies directly below the one before. Answers how many that were, at least one; undefined when there is no room for one.
   */
  allocRun(request: Omit<AllocRequest, 'align'>, most: number): number | undefined {
    const { size } = request
    const first = this.allocInternal({ ...request, align: size })
    if (first === undefined) return undefined
    const more = Math.min(most - 1, Math.floor(this.#freeBelow(first, request) / size))
    if (more <= 0) return 1
    const nid = request.nid ?? NO_NODE
    this.journal.push({ kind: 'reserve', base: first - size, size, nid, flags: FLAG.RSRV_KERN, count: more })
    this.reserved.add(first - more * size, more * size, nid, FLAG.RSRV_KERN)
    return 1 + more
  }

  /** Bytes below an allocation that the same request would get next; 0 where that is not certain. */
  #freeBelow(first: number, { start = 0, nid = NO_NODE }: Omit<AllocRequest, 'align'>): number {
    const memory = this.memory.regions[this.memory.firstEndingAbove(first)]
    const index = this.reserved.firstEndingAbove(first)
    if (
      this.bottomUp ||
      memory === undefined ||
      this.#skips(memory, nid, this.khoScratchOnly) ||
      this.reserved.regions[index]?.base !== first
    )
      return 0
    const below = this.reserved.regions[index - 1]
    return first - Math.max(memory.base, start, PAGE_SIZE, below === undefined ? 0 : below.base + below.size)
  }

  /** memblock_alloc_hugetlb(): aligned to its size, outside scratch. */
  allocHugetlb(size: number, nid: number, exactNid: boolean): number | undefined {
    let node = nid
    let start = 0
    let end = ACCESSIBLE
    for (;;) {
      const found = this.find({ size, align: size, start, end, nid: node })
      if (found === undefined) {
        if (!isNode(node) || exactNid) return undefined
        node = NO_NODE
        start = 0
        end = ACCESSIBLE
      } else if (this.scratch.some((area) => found < area.base + area.size && found + size > area.base)) {
        if (this.bottomUp) start = found + size
        else end = found
      } else {
        return this.reserve(found, size, node, withFlag(FLAG.RSRV_KERN, FLAG.RSRV_HUGETLB)) ? found : undefined
      }
    }
  }

  /** memblock_find_in_range_node(): where `request` would fit, without reserving it. Never page 0. */
  find(request: AllocRequest): number | undefined {
    const limit = request.end === undefined || request.end === ACCESSIBLE ? this.currentLimit : request.end
    const start = Math.max(request.start ?? 0, PAGE_SIZE)
    const end = Math.max(start, limit)
    const nid = request.nid ?? NO_NODE
    return this.bottomUp ? this.#findBottomUp(request, start, end, nid) : this.#findTopDown(request, start, end, nid)
  }

  #findBottomUp({ size, align }: AllocRequest, start: number, end: number, nid: number): number | undefined {
    for (const free of this.freeRanges(nid)) {
      const from = clamp(free.start, start, end)
      const to = clamp(free.end, start, end)
      const candidate = roundUp(from, align)
      if (candidate < to && to - candidate >= size) return candidate
    }
    return undefined
  }

  #findTopDown({ size, align }: AllocRequest, start: number, end: number, nid: number): number | undefined {
    for (const free of this.freeRangesReverse(nid)) {
      const from = clamp(free.start, start, end)
      const to = clamp(free.end, start, end)
      if (to < size) continue
      const candidate = roundDown(to - size, align)
      if (candidate >= from) return candidate
    }
    return undefined
  }

  /**
   * for_each_free_mem_range(): memory that is not reserved, ascending. As in the kernel, two reserved regions that touch
   * have an empty range between them, which a request of 0 bytes can get. `scratchOnly`: KHO_SCRATCH is among the flags asked for.
   */
  *freeRanges(nid: number, scratchOnly = this.khoScratchOnly): Generator<{ readonly start: number; readonly end: number }> {
    for (const memory of this.memory.regions) {
      if (this.#skips(memory, nid, scratchOnly)) continue
      const end = memory.base + memory.size
      let from = memory.base
      for (let index = this.reserved.firstEndingAbove(from); from < end; index++) {
        const reserved = this.reserved.regions[index]
        if (reserved === undefined || reserved.base >= end) break
        if (reserved.base > from || from > memory.base) yield { start: from, end: reserved.base }
        from = reserved.base + reserved.size
      }
      if (from < end) yield { start: from, end }
    }
  }

  /** for_each_free_mem_range_reverse(): the same, descending. */
  *freeRangesReverse(nid: number): Generator<{ readonly start: number; readonly end: number }> {
    for (let at = this.memory.regions.length - 1; at >= 0; at--) {
      const memory = this.memory.regions[at]
      if (memory === undefined || this.#skips(memory, nid, this.khoScratchOnly)) continue
      const end = memory.base + memory.size
      let to = end
      let index = this.reserved.firstEndingAbove(to - 1)
      if ((this.reserved.regions[index]?.base ?? Infinity) >= to) index -= 1
      for (; to > memory.base; index--) {
        const reserved = this.reserved.regions[index]
        const reservedEnd = reserved === undefined ? -1 : reserved.base + reserved.size
        if (reserved === undefined || reservedEnd <= memory.base) break
        if (reservedEnd < to || to < end) yield { start: reservedEnd, end: to }
        to = reserved.base
      }
      if (to > memory.base) yield { start: memory.base, end: to }
    }
  }

  /** should_skip_region() for memblock.memory with choose_memblock_flags(). */
  #skips(region: Region, nid: number, scratchOnly: boolean): boolean {
    if (isNode(nid) && nid !== region.nid) return true
    if (this.movableNode && hasFlag(region.flags, FLAG.HOTPLUG)) return true
    if (hasFlag(region.flags, FLAG.NOMAP) || hasFlag(region.flags, FLAG.DRIVER_MANAGED)) return true
    return scratchOnly && !hasFlag(region.flags, FLAG.KHO_SCRATCH)
  }

  /** memblock_double_array() before slab is up: the kernel's own arrays take memory, so they are allocated here too. */
  #double(list: RegionList, newBase: number, newSize: number): boolean {
    if (!this.canResize) throw new RangeError('memblock: cannot resize array: the kernel panics here')
    const size = roundUp(list.max * 2 * REGION_BYTES, PAGE_SIZE)
    const avoid = list === this.reserved ? { base: newBase, size: newSize } : { base: 0, size: 0 }
    const above = this.find({ size, align: PAGE_SIZE, start: avoid.base + avoid.size, end: this.currentLimit })
    const address =
      above ?? (avoid.size > 0 ? this.find({ size, align: PAGE_SIZE, end: Math.min(avoid.base, this.currentLimit) }) : undefined)
    if (address === undefined) return false
    const old = this.#grown.get(list)
    list.max *= 2
    if (old !== undefined) this.free(old.base, old.size)
    this.#grown.set(list, { base: address, size })
    return this.reserve(address, size, NO_NODE, FLAG.RSRV_KERN)
  }

  /** Where an array that has outgrown its static place lies. */
  readonly #grown = new Map<RegionList, { readonly base: number; readonly size: number }>()

  /** Arrays that were allocated here because they outgrew their static place. */
  get arrays(): readonly { readonly base: number; readonly size: number }[] {
    return [...this.#grown.values()]
  }

  /** memblock_reserved_kern_size() and memblock_reserved_hugetlb_size(), by flag. */
  reservedSize(limit: number, nid: number, flag: number): number {
    let total = 0
    for (const region of this.reserved.regions) {
      if (region.base > limit) break
      if (isNode(nid) && nid !== region.nid) continue
      if (hasFlag(region.flags, flag)) total += Math.min(region.base + region.size, limit) - region.base
    }
    return total
  }
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high))
