import { GiB, MiB, PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { NotModelled, allocate, type BootState } from './input.ts'

/** __pa(MAX_DMA_ADDRESS): the memory map keeps out of what old devices can reach. */
export const MAX_DMA = 16 * MiB
const PMD_SIZE = 2 * MiB
const PUD_SIZE = GiB
const P4D_SIZE = 512 * GiB
const L5_PGDIR_SIZE = 512 * P4D_SIZE
const L5_PGDIR = BigInt(L5_PGDIR_SIZE)
/** Number of the table that ends with the address space. */
const LAST_L5_PGDIR = 2n ** 64n / L5_PGDIR - 1n
/** sizeof(struct mem_section *) and of one long */
const WORD = 8

/** MAX_PHYSMEM_BITS of arch/x86/include/asm/sparsemem.h */
const physmemBits = ({ input }: BootState): number => (input.processor.la57 ? 52 : 46)

export const sectionSize = ({ input }: BootState): number => 2 ** input.build.numbers.sectionSizeBits

interface Section {
  readonly number: number
  readonly nid: number
}

/** memory_present(): sections that hold any memory, ascending, each of the node that comes first in it. */
function presentSections(state: BootState): readonly Section[] {
  const size = sectionSize(state)
  const sections = new Map<number, number>()
  for (const region of state.memblock.memory.regions) {
    const start = roundUp(region.base, PAGE_SIZE)
    const end = roundDown(region.base + region.size, PAGE_SIZE)
    for (let at = roundDown(start, size); at < end; at += size) {
      if (!sections.has(at / size)) sections.set(at / size, region.nid)
    }
  }
  return [...sections].map(([number, nid]) => ({ number, nid })).sort((a, b) => a.number - b.number)
}

/** memblocks_present() (mm/sparse.c, 7.3): the table of roots, then each root in the node that first needs it. */
export function allocateSectionTables(state: BootState): void {
  const { numbers } = state.input.build
  const roots = Math.ceil(2 ** (physmemBits(state) - numbers.sectionSizeBits) / numbers.sectionsPerRoot)
  allocate(state, 'the table of section roots', { size: roots * WORD, align: numbers.internodeCacheBytes })
  const done = new Set<number>()
  // Regions, not sections, give the node: the first page of a region may lie in a section of the region before.
  for (const { base, size, nid } of state.memblock.memory.regions) {
    for (let at = roundDown(base, sectionSize(state)); at < base + size; at += sectionSize(state)) {
      const root = Math.floor(at / sectionSize(state) / numbers.sectionsPerRoot)
      if (done.has(root)) continue
      done.add(root)
      const bytes = numbers.sectionsPerRoot * numbers.sizeofMemSection
      allocate(state, 'memory sections', { size: bytes, align: numbers.smpCacheBytes, nid })
    }
  }
}

/** sparse_init_nid() (mm/sparse.c, 7.3) for every run of sections of one node: their usage, then their struct pages. */
export function allocateMemoryMap(state: BootState): void {
  const { numbers } = state.input.build
  const sections = presentSections(state)
  const usage = numbers.sizeofMemSectionUsage + Math.ceil(numbers.pageblockFlagsBits / 64) * WORD
  const tables = new VmemmapTables(state)
  for (let from = 0; from < sections.length;) {
    const nid = sections[from]?.nid ?? 0
    let to = from
    while (sections[to]?.nid === nid) to += 1
    allocate(state, 'section usage', { size: usage * (to - from), align: numbers.smpCacheBytes, nid })
    for (const { number } of sections.slice(from, to)) tables.populate(number, nid)
    from = to
  }
}

/** vmemmap_populate_hugepages() (mm/sparse-vmemmap.c, 7.3): struct pages in 2 MiB pages, and the tables above them. */
class VmemmapTables {
  readonly #state: BootState
  /** Where vmemmap begins, from the boundary of a table of the highest level. */
  readonly #offset: number
  readonly #tops = new Set<number>()
  readonly #p4ds = new Set<number>()
  readonly #puds = new Set<number>()

  constructor(state: BootState) {
    const { vmemmapBase } = state.input.random
    this.#state = state
    this.#offset = Number(vmemmapBase % L5_PGDIR)
    // The kernel's own mapping has the last of these tables already.
    this.#tops.add(Number(LAST_L5_PGDIR - vmemmapBase / L5_PGDIR))
  }

  populate(section: number, nid: number): void {
    const {
      build: { numbers },
      processor: { la57 },
    } = this.#state.input
    const bytes = (sectionSize(this.#state) / PAGE_SIZE) * numbers.sizeofPage
    if (bytes % PMD_SIZE !== 0) throw new NotModelled(`struct page of ${numbers.sizeofPage} bytes`)
    const start = this.#offset + section * bytes
    for (let at = start; at < start + bytes; at += PMD_SIZE) {
      // With four levels the folded p4d stands for the highest level.
      if (la57) this.#table(this.#tops, Math.floor(at / L5_PGDIR_SIZE), nid)
      this.#table(this.#p4ds, Math.floor(at / P4D_SIZE), nid)
      this.#table(this.#puds, Math.floor(at / PUD_SIZE), nid)
      this.#block(PMD_SIZE, nid)
    }
  }

  #table(known: Set<number>, index: number, nid: number): void {
    if (known.has(index)) return
    known.add(index)
    this.#block(PAGE_SIZE, nid)
  }

  /** vmemmap_alloc_block() */
  #block(size: number, nid: number): void {
    allocate(this.#state, 'the memory map', { size, align: size, start: MAX_DMA, nid })
  }
}
