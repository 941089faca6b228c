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

export const sectionSize = ({ input }: Pick<BootState, 'input'>): number => 2 ** input.build.numbers.sectionSizeBits

/** Sections from `from` to before `to`, all of one node. */
interface Sections {
  readonly from: number
  to: number
  readonly nid: number
}

/** memory_present(): sections that hold any memory, ascending, each of the node that comes first in it. */
export function presentSections(state: Pick<BootState, 'input' | 'memblock'>): readonly Sections[] {
  const size = sectionSize(state)
  const present: Sections[] = []
  for (const { base, size: bytes, nid } of state.memblock.memory.regions) {
    const last = present.at(-1)
    const from = Math.max(Math.floor(roundUp(base, PAGE_SIZE) / size), last?.to ?? 0)
    const to = Math.ceil(roundDown(base + bytes, PAGE_SIZE) / size)
    if (from >= to) continue
    if (last?.to === from && last.nid === nid) last.to = to
    else present.push({ from, to, nid })
  }
  return present
}

/** memblocks_present() (mm/sparse.c, 7.3): the table of roots, then each root in the node that first needs it. */
export function allocateSectionTables(state: BootState): void {
  const { numbers } = state.input.build
  const roots = Math.ceil(2 ** (physmemBits(state) - numbers.sectionSizeBits) / numbers.sectionsPerRoot)
  allocate(state, 'the table of section roots', { size: roots * WORD, align: numbers.internodeCacheBytes })
  const rootSize = sectionSize(state) * numbers.sectionsPerRoot
  let next = 0
  // Regions, not sections, give the node: the first page of a region may lie in a section of the region before.
  for (const { base, size, nid } of state.memblock.memory.regions) {
    for (let root = Math.max(next, Math.floor(base / rootSize)); root * rootSize < base + size; root++) {
      next = root + 1
      const bytes = numbers.sectionsPerRoot * numbers.sizeofMemSection
      allocate(state, 'memory sections', { size: bytes, align: numbers.smpCacheBytes, nid })
    }
  }
}

/** sparse_init_nid() (mm/sparse.c, 7.3) for every run of sections of one node: their usage, then their struct pages. */
export function allocateMemoryMap(state: BootState): void {
  const { numbers } = state.input.build
  const present = presentSections(state)
  const usage = numbers.sizeofMemSectionUsage + Math.ceil(numbers.pageblockFlagsBits / 64) * WORD
  const tables = new VmemmapTables(state)
  for (let at = 0; at < present.length;) {
    const nid = present[at]?.nid ?? 0
    let past = at
    while (present[past]?.nid === nid) past += 1
    const run = present.slice(at, past)
    const count = run.reduce((sum, { from, to }) => sum + to - from, 0)
    allocate(state, 'section usage', { size: usage * count, align: numbers.smpCacheBytes, nid })
    for (const sections of run) tables.populate(sections)
    at = past
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

  populate({ from, to, nid }: Sections): void {
    const {
      build: { numbers },
      processor: { la57 },
    } = this.#state.input
    const bytes = (sectionSize(this.#state) / PAGE_SIZE) * numbers.sizeofPage
    if (bytes % PMD_SIZE !== 0) throw new NotModelled(`struct page of ${numbers.sizeofPage} bytes`)
    const end = this.#offset + to * bytes
    for (let at = this.#offset + from * bytes; at < end;) {
      // With four levels the folded p4d stands for the highest level.
      if (la57) this.#table(this.#tops, Math.floor(at / L5_PGDIR_SIZE), nid)
      this.#table(this.#p4ds, Math.floor(at / P4D_SIZE), nid)
      this.#table(this.#puds, Math.floor(at / PUD_SIZE), nid)
      const next = Math.min(end, roundDown(at, PUD_SIZE) + PUD_SIZE)
      this.#blocks((next - at) / PMD_SIZE, nid)
      at = next
    }
  }

  #table(known: Set<number>, index: number, nid: number): void {
    if (known.has(index)) return
    known.add(index)
    allocate(this.#state, 'the memory map', { size: PAGE_SIZE, align: PAGE_SIZE, start: MAX_DMA, nid })
  }

  /** vmemmap_alloc_block(), one after the other. */
  #blocks(count: number, nid: number): void {
    for (let left = count; left > 0;) {
      const got = this.#state.memblock.allocRun({ size: PMD_SIZE, start: MAX_DMA, nid }, left)
      if (got === undefined) throw new NotModelled(`no room for the memory map (${left * PMD_SIZE} bytes)`)
      left -= got
    }
  }
}
