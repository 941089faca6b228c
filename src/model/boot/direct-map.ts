import { GiB, MiB, PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { NotModelled, has, symbolAt, type BootState } from './input.ts'

const ISA_END = MiB
const PMD_SIZE = 2 * MiB
const PUD_SIZE = GiB
const P4D_SIZE = 512 * GiB
const L5_PGDIR_SIZE = 512 * P4D_SIZE
/** INIT_PGT_BUF_SIZE (arch/x86/mm/init.c, 7.3): 4 pages per table walk, twice that with RANDOMIZE_MEMORY. */
const BRK_PAGES = { fixed: 8, random: 16 } as const
/** Least alignment of an address that is tried at a step: get_new_step_size() grows it by 2^8. */
const STEP_GROWTH = 2 ** 8

/** Bytes of the page-table buffer in the kernel's brk area, which is the first user of it. */
export const earlyTableBytes = (state: BootState): number =>
  (has(state.input, 'RANDOMIZE_MEMORY') ? BRK_PAGES.random : BRK_PAGES.fixed) * PAGE_SIZE

type PageSize = '4k' | '2M' | '1G'
interface MapRange {
  start: number
  end: number
  sizes: ReadonlySet<PageSize>
}
const SMALL: ReadonlySet<PageSize> = new Set()

/** One entry of a page directory: a page of its own size, or a table of the next level. */
type Pud = 'page' | Map<number, Pmd>
type Pmd = 'page' | Set<number>

/**
 * init_mem_mapping() (arch/x86/mm/init.c, 7.3): maps all RAM from the top downwards. Tables come from the brk buffer until
 * it is empty; while the buffer itself is being mapped, and afterwards, they come from memory that is mapped already.
 */
export class DirectMap {
  readonly #state: BootState
  readonly #offset: number
  /** 2M and 1G where the processor and the configuration have them. */
  readonly #sizes: ReadonlySet<PageSize>
  readonly #topSize: number
  readonly #tops = new Set<number>()
  readonly #p4ds = new Set<number>()
  readonly #puds = new Map<number, Pud>()
  #bufferNext: number
  readonly #bufferTop: number
  #bufferUsable = true
  #minMapped = 0
  #maxMapped = 0

  constructor(state: BootState) {
    const { input } = state
    this.#state = state
    this.#offset = input.random.directMap
    this.#sizes = new Set(input.processor.gbpages && has(input, 'X86_DIRECT_GBPAGES') ? ['2M', '1G'] : ['2M'])
    this.#topSize = input.processor.la57 ? L5_PGDIR_SIZE : P4D_SIZE
    this.#bufferNext = roundUp(symbolAt(input, '__brk_base'), PAGE_SIZE)
    this.#bufferTop = this.#bufferNext + earlyTableBytes(state)
  }

  /** End of what is mapped in the end: memblock's current limit from then on. `moved`: KASLR has moved the direct map. */
  mapAll(moved: boolean): number {
    this.#mapRange(0, ISA_END)
    // init_trampoline_kaslr() (arch/x86/mm/kaslr.c, 7.3): tables of its own for the first GiB.
    if (moved) for (let level = this.#state.input.processor.la57 ? 2 : 1; level > 0; level--) this.#allocTable()
    this.#mapTopDown(ISA_END, this.#state.maxRam)
    return this.#maxMapped
  }

  /** memory_map_top_down() */
  #mapTopDown(start: number, end: number): void {
    const { memblock } = this.#state
    const probe = memblock.alloc({ size: PMD_SIZE, align: PMD_SIZE, start, end })
    if (probe !== undefined) memblock.free(probe, PMD_SIZE)
    const realEnd = probe === undefined ? Math.max(start, roundDown(end, PMD_SIZE)) : probe + PMD_SIZE
    let step = PMD_SIZE
    let mapped = 0
    let last = realEnd
    this.#maxMapped = 0
    this.#minMapped = realEnd
    while (last > start) {
      const next = last > step ? Math.max(roundDown(last - 1, step), start) : start
      mapped += this.#mapMemory(next, last)
      last = next
      this.#minMapped = last
      if (mapped >= step) step *= STEP_GROWTH
    }
    if (realEnd < end) this.#mapMemory(realEnd, end)
  }

  /** init_range_memory_mapping(): the memory of [from, to); returns how many bytes that was. */
  #mapMemory(from: number, to: number): number {
    let mapped = 0
    for (const { base, size } of this.#state.memblock.memory.regions) {
      const start = Math.max(roundUp(base, PAGE_SIZE), from)
      const end = Math.min(roundDown(base + size, PAGE_SIZE), to)
      if (start >= end) continue
      this.#bufferUsable = Math.max(start, this.#bufferNext) >= Math.min(end, this.#bufferTop)
      this.#mapRange(start, end)
      mapped += end - start
      this.#bufferUsable = true
    }
    return mapped
  }

  /** init_memory_mapping() */
  #mapRange(start: number, end: number): void {
    let last = 0
    for (const range of this.#split(start, end)) last = this.#mapTops(range)
    this.#maxMapped = Math.max(this.#maxMapped, last)
  }

  /** split_mem_range(): small pages at ragged borders, the largest possible between. */
  #split(start: number, end: number): readonly MapRange[] {
    const ranges: MapRange[] = []
    let at = start
    const add = (to: number, sizes: ReadonlySet<PageSize>): void => {
      if (at < to) ranges.push({ start: at, end: to, sizes })
      at = Math.max(at, to)
    }
    const only2M: ReadonlySet<PageSize> = new Set<PageSize>(['2M'])
    add(Math.min(roundUp(at, PMD_SIZE), end), SMALL)
    const lastPmd = roundDown(end, PMD_SIZE)
    if (at % PMD_SIZE === 0) {
      add(Math.min(roundUp(at, PUD_SIZE), lastPmd), only2M)
      if (at % PUD_SIZE === 0) add(roundDown(end, PUD_SIZE), this.#sizes)
      add(lastPmd, only2M)
    }
    add(end, SMALL)
    for (const range of ranges) range.sizes = this.#widened(range)
    return merged(ranges)
  }

  /** adjust_range_page_size_mask(): larger pages where all that they cover is memory. */
  #widened({ start, end, sizes }: MapRange): ReadonlySet<PageSize> {
    const wide = new Set(sizes)
    for (const [name, size] of [
      ['2M', PMD_SIZE],
      ['1G', PUD_SIZE],
    ] as const) {
      if (this.#sizes.has(name) && this.#isMemory(roundDown(start, size), roundUp(end, size))) wide.add(name)
    }
    return wide
  }

  /** memblock_is_region_memory(): inside one region. */
  #isMemory(start: number, end: number): boolean {
    const { memory } = this.#state.memblock
    const region = memory.regions[memory.firstEndingAbove(start)]
    return region !== undefined && region.base <= start && region.base + region.size >= end
  }

  /** __kernel_physical_mapping_init() and phys_p4d_init(): tables above those of 1 GiB entries. */
  #mapTops({ start, end, sizes }: MapRange): number {
    let last = end
    for (let at = start; at < end;) {
      const virtual = this.#offset + at
      const next = roundDown(virtual, P4D_SIZE) + P4D_SIZE - this.#offset
      if (!this.#tops.has(Math.floor(virtual / this.#topSize))) {
        this.#allocTable()
        this.#tops.add(Math.floor(virtual / this.#topSize))
      }
      const isNew = this.#state.input.processor.la57 && !this.#p4ds.has(Math.floor(virtual / P4D_SIZE))
      if (isNew) {
        this.#allocTable()
        this.#p4ds.add(Math.floor(virtual / P4D_SIZE))
      }
      last = this.#mapPuds(at, Math.min(end, next), sizes)
      at = next
    }
    return last
  }

  /** phys_pud_init() */
  #mapPuds(start: number, end: number, sizes: ReadonlySet<PageSize>): number {
    let last = end
    for (let at = start; at < end; at = roundDown(at, PUD_SIZE) + PUD_SIZE) {
      const index = Math.floor(at / PUD_SIZE)
      const entry = this.#puds.get(index)
      if (entry instanceof Map) {
        last = this.#mapPmds(entry, at, end, sizes)
      } else if (sizes.has('1G')) {
        this.#puds.set(index, 'page')
        last = roundDown(at, PUD_SIZE) + PUD_SIZE
      } else {
        this.#allocTable()
        const table = new Map<number, Pmd>()
        last = this.#mapPmds(table, at, end, sizes)
        this.#puds.set(index, table)
      }
    }
    return last
  }

  /** phys_pmd_init() */
  #mapPmds(table: Map<number, Pmd>, start: number, end: number, sizes: ReadonlySet<PageSize>): number {
    let last = end
    const stop = Math.min(end, roundDown(start, PUD_SIZE) + PUD_SIZE)
    for (let at = start; at < stop; at = roundDown(at, PMD_SIZE) + PMD_SIZE) {
      const index = Math.floor(at / PMD_SIZE)
      const entry = table.get(index)
      if (entry instanceof Set) {
        last = mapPages(entry, at, end)
      } else if (sizes.has('2M')) {
        table.set(index, 'page')
        last = roundDown(at, PMD_SIZE) + PMD_SIZE
      } else {
        this.#allocTable()
        const pages = new Set<number>()
        last = mapPages(pages, at, end)
        table.set(index, pages)
      }
    }
    return last
  }

  /** alloc_low_pages() */
  #allocTable(): void {
    if (this.#bufferUsable && this.#bufferNext + PAGE_SIZE <= this.#bufferTop) {
      this.#bufferNext += PAGE_SIZE
      return
    }
    const [start, end] = [this.#minMapped, this.#maxMapped]
    const found = start < end ? this.#state.memblock.alloc({ size: PAGE_SIZE, align: PAGE_SIZE, start, end }) : undefined
    if (found === undefined) throw new NotModelled('no memory for a page table of the direct map')
  }
}

/** phys_pte_init(): the end of the last page that was not mapped yet. */
function mapPages(table: Set<number>, start: number, end: number): number {
  let last = end
  const stop = Math.min(end, roundDown(start, PMD_SIZE) + PMD_SIZE)
  for (let at = roundDown(start, PAGE_SIZE); at < stop; at += PAGE_SIZE) {
    if (table.has(at)) continue
    table.add(at)
    last = at + PAGE_SIZE
  }
  return last
}

/** Neighbours with the same page sizes are mapped as one. */
function merged(ranges: readonly MapRange[]): readonly MapRange[] {
  const joined: MapRange[] = []
  for (const range of ranges) {
    const before = joined.at(-1)
    const alike =
      before !== undefined && before.sizes.size === range.sizes.size && [...before.sizes].every((size) => range.sizes.has(size))
    if (alike && before.end === range.start) before.end = range.end
    else joined.push({ ...range })
  }
  return joined
}
