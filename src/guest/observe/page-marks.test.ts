import { describe, expect, it } from 'vitest'
import { SyntheticMemory } from '../../abi/testing/synthetic-memory.ts'
import { notSeen, seen, type StepObservation, type IomemEntry, type SetReport } from '../../shared/documents/index.ts'
import { MiB } from '../../shared/units.ts'
import { readMarks, readTakenBack, stillHeld } from './page-marks.ts'
import { findStructPages, StructPages } from './struct-pages.ts'

const FACTS = { sizeofPage: 64, offsetPrivate: 40, offsetRefcount: 52, pagetableLevels: 5 }
const TOP = 0x10_0000
const MAP = 4 * MiB
const BASES = { directMap: 0xffff_8880_0000_0000n, memoryMap: 0xffff_ea00_0000_0000n }

/** The memory map of the first 128 MiB at 4 MiB, mapped by one entry of 2 MiB. `marks`: order of the mark by page frame. */
function guest(marks: Readonly<Record<number, number>>, { directMap, memoryMap } = BASES, levels: 4 | 5 = 4) {
  const memory = new SyntheticMemory([{ start: 0, end: 64 * MiB }])
  const word = (address: number, value: bigint): void => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, value, true)
    memory.write(address, bytes)
  }
  const index = (level: bigint): number => Number((memoryMap >> (12n + 9n * level)) & 511n)
  if (levels === 5) word(TOP + 8 * index(4n), 0x10_1063n)
  word((levels === 5 ? 0x10_1000 : TOP) + 8 * index(3n), 0x11_0063n)
  word(0x11_0000 + 8 * index(2n), 0x12_0063n)
  word(0x12_0000 + 8 * index(1n), BigInt(MAP) | 0xe3n)
  for (const [pfn, order] of Object.entries(marks)) word(MAP + Number(pfn) * 64 + 40, (0x4b48_4f50n << 32n) | BigInt(order))
  return { pages: new StructPages(memory, FACTS, TOP, { directMap, memoryMap }), word }
}

const RECORDS = [
  { start: '0x2000', order: 0 },
  { start: '0x8000', order: 3 },
]

describe('marks of KHO', () => {
  it('are read of the first page of each record, with the order that they name', () => {
    const { pages } = guest({ 2: 0, 8: 3 })
    expect(readMarks(pages.reader(), RECORDS)).toEqual(seen({ records: RECORDS, others: 0 }))
  })

  it.each([0xffd4_0000_0000_0000n, 0xffff_b099_0000_0000n])(
    'are read under five levels of page tables, wherever KASLR puts the memory map: %#',
    (memoryMap) => {
      const { pages } = guest({ 2: 0, 8: 3 }, { directMap: 0xff2c_ee87_0000_0000n, memoryMap }, 5)
      expect(readMarks(pages.reader(), RECORDS)).toEqual(seen({ records: RECORDS, others: 0 }))
    },
  )

  it('are missed, told from another order, and found where none belongs', () => {
    const { pages } = guest({ 8: 2, 9: 0, 10: 99 })
    expect(readMarks(pages.reader(), RECORDS)).toEqual(seen({ records: [{ start: '0x8000', order: 2 }], others: 1 }))
  })

  it('are not seen behind the memory map', () => {
    const far = [{ start: '0x8000000', order: 0 }]
    expect(readMarks(guest({}).pages.reader(), far)).toEqual(notSeen('the struct page of 0x8000000 is not in guest RAM'))
  })
})

describe('what was taken back', () => {
  const inherited = [{ name: 'a', entries: 2, records: RECORDS }]
  const left: SetReport[] = [{ name: 'a', kind: 'folio', state: 'restored', entries: 2, pages: 9, hash: '0x0' }]

  it('has no mark and one reference', () => {
    const { pages, word } = guest({ 8: 3 })
    word(MAP + 2 * 64 + 48, 1n << 32n)
    expect(readTakenBack(pages.reader(), stillHeld(inherited, left, []))).toEqual(
      seen([{ name: 'a', entries: 2, marked: 1, referencedOnce: 1 }]),
    )
  })

  it('is another set where the name was used again, and none where it was put', () => {
    const again: StepObservation = { index: 0, step: '', command: 'alloc a folio 0..0 1', result: 'ok', ms: 0 }
    expect(stillHeld(inherited, left, [again])).toEqual([])
    expect(stillHeld(inherited, [], [])).toEqual([])
  })
})

it('says why it does not know where struct pages are', () => {
  const memory = new SyntheticMemory([{ start: 0, end: MiB }])
  const iomem = seen<readonly IomemEntry[]>([])
  const kernel = { iomem, symbols: undefined, pageFacts: undefined, cpus: 1 }
  expect(findStructPages(memory, kernel)).toEqual(
    notSeen('where struct page has its fields is known of kernels that the lab built'),
  )
  expect(findStructPages(memory, { ...kernel, pageFacts: FACTS })).toEqual(notSeen('/proc/iomem has no "Kernel code"'))
})
