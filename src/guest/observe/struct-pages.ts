import { translate } from '../../abi/page-table.ts'
import { markedOrder } from '../../abi/page-info.ts'
import { notSeen, seen, type IomemEntry, type PageFacts, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { fromHex } from '../../shared/units.ts'
import { readAddressSpace, type KernelSymbols } from './address-space.ts'

/** What is known of a kernel's build, and where it runs. */
export interface RunningKernel {
  readonly iomem: Reading<readonly IomemEntry[]>
  readonly symbols: KernelSymbols
  readonly pageFacts: PageFacts | undefined
  readonly cpus: number
}

/** What struct page of a page frame says. `mark`: the order that KHO's mark in page->private names; undefined where there is none. */
export interface StructPage {
  readonly mark: number | undefined
  readonly refcount: number
}

/**
 * Below this a kernel with five levels of page tables begins its direct map, above it one with four
 * (Documentation/arch/x86/x86_64/mm.rst). The memory map tells nothing: KASLR may put it anywhere behind.
 */
const FOUR_LEVELS = 0xffff_8000_0000_0000n
const TOP_TABLE = 'init_top_pgt'
/** So much is read at a time: the memory map of 128 MiB. */
const READ_AT_ONCE = 2 * 1024 * 1024

/** The struct page of a page frame, undefined where the array has no such page, or is not in RAM. */
export type ReadStructPage = (pfn: number) => StructPage | undefined

/** Struct pages of `count` page frames from `pfn` on. */
interface Piece {
  readonly pfn: number
  readonly count: number
  readonly view: DataView
}

/** page_offset_base and vmemmap_base. */
interface VirtualBases {
  readonly directMap: bigint
  readonly memoryMap: bigint
}

/** The kernel's array of struct page (vmemmap), read in guest RAM through the kernel's own page tables. */
export class StructPages {
  readonly #memory: PhysMemory
  readonly #facts: PageFacts
  readonly #top: number
  readonly #levels: 4 | 5
  readonly #vmemmap: bigint

  constructor(memory: PhysMemory, facts: PageFacts, top: number, { directMap, memoryMap }: VirtualBases) {
    this.#memory = memory
    this.#facts = facts
    this.#top = top
    this.#levels = facts.pagetableLevels === 5 && directMap < FOUR_LEVELS ? 5 : 4
    this.#vmemmap = memoryMap
  }

  /** For as long as the guest stands still: what was read once is not read again. */
  reader(): ReadStructPage {
    const { sizeofPage, offsetPrivate, offsetRefcount } = this.#facts
    let piece: Piece | undefined
    return (pfn) => {
      if (piece === undefined || pfn < piece.pfn || pfn >= piece.pfn + piece.count) piece = this.#load(pfn)
      if (piece === undefined || piece.count === 0) return undefined
      const { view } = piece
      const offset = (pfn - piece.pfn) * sizeofPage
      return { mark: markedOrder(view, offset + offsetPrivate), refcount: view.getInt32(offset + offsetRefcount, true) }
    }
  }

  #load(pfn: number): Piece | undefined {
    const { sizeofPage } = this.#facts
    const at = this.#vmemmap + BigInt(pfn) * BigInt(sizeofPage)
    const mapped = translate(this.#memory, this.#top, this.#levels, at)
    const bytes = mapped && this.#memory.read(mapped.start, Math.min(mapped.length, READ_AT_ONCE))
    if (bytes === undefined) return undefined
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return { pfn, count: Math.floor(bytes.length / sizeofPage), view }
  }
}

/** Where the running kernel has its struct pages. */
export function findStructPages(memory: PhysMemory, kernel: RunningKernel): Reading<StructPages> {
  const { iomem, symbols, pageFacts, cpus } = kernel
  if (pageFacts === undefined) return notSeen('where struct page has its fields is known of kernels that the lab built')
  const space = readAddressSpace(memory, iomem, symbols, cpus)
  if (!space.ok) return space
  const code = iomem.ok ? iomem.value.find(({ name }) => name === 'Kernel code') : undefined
  const [text, top] = [symbols?.['_text'], symbols?.[TOP_TABLE]]
  if (code === undefined || text === undefined || top === undefined) return notSeen(`where ${TOP_TABLE} lies is not known`)
  const table = fromHex(code.start) + Number(BigInt(top) - BigInt(text))
  const { pageOffsetBase, vmemmapBase } = space.value
  return seen(new StructPages(memory, pageFacts, table, { directMap: BigInt(pageOffsetBase), memoryMap: BigInt(vmemmapBase) }))
}
