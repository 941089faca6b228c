import { describe, expect, it } from 'vitest'
import { SyntheticMemory } from '../../abi/testing/synthetic-memory.ts'
import { seen, type IomemEntry } from '../../shared/documents/index.ts'
import { MiB } from '../../shared/units.ts'
import { readAddressSpace, readTotalRam } from './address-space.ts'

const BASE = 32 * MiB
const PAGE_OFFSET = 0xff2f8dd000000000n
const iomem = seen<readonly IomemEntry[]>([{ start: '0x2000000', end: '0x2400000', name: 'Kernel code', depth: 1 }])
const symbols = {
  _text: '0xffffffff81000000',
  page_offset_base: '0xffffffff81200010',
  vmemmap_base: '0xffffffff81200018',
  pcpu_base_addr: '0xffffffff81200020',
  pcpu_unit_offsets: '0xffffffff81200028',
  __per_cpu_start: '0xffffffff81300000',
  _cea_offset: '0xffffffff81300040',
}

/** A kernel at BASE whose percpu units of two CPUs lie at 64 and 66 MiB, and whose table of them at 48 MiB. */
function guest() {
  const memory = new SyntheticMemory([{ start: 0, end: 128 * MiB }])
  const word = (address: number, value: bigint): void => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, value, true)
    memory.write(address, bytes)
  }
  word(BASE + 0x200010, PAGE_OFFSET)
  word(BASE + 0x200018, 0xffd4000000000000n)
  word(BASE + 0x200020, PAGE_OFFSET + BigInt(64 * MiB))
  word(BASE + 0x200028, PAGE_OFFSET + BigInt(48 * MiB))
  word(48 * MiB, 0n)
  word(48 * MiB + 8, BigInt(2 * MiB))
  word(64 * MiB + 0x40, 7n)
  word(66 * MiB + 0x40, 4096n)
  return { memory, word }
}

describe('readAddressSpace', () => {
  it('finds what KASLR drew in the memory of the guest', () => {
    expect(readAddressSpace(guest().memory, iomem, symbols, 2)).toEqual(
      seen({ pageOffsetBase: '0xff2f8dd000000000', vmemmapBase: '0xffd4000000000000', entryAreas: [7, 4096] }),
    )
  })

  it.each([
    [
      'a pointer out of RAM',
      { at: BASE + 0x200028, is: 0xffffn },
      symbols,
      "the place of CPU 0's entry area is not in guest RAM",
    ],
    [
      'a place that is none',
      { at: 64 * MiB + 0x40, is: 1n << 40n },
      symbols,
      "the place of CPU 0's entry area is not in guest RAM",
    ],
    ['no System.map', undefined, undefined, 'there is no System.map of this kernel'],
    ['another kernel', undefined, { _text: '0xffffffff81000000' }, /^System.map has no page_offset_base, .*_cea_offset$/],
    [
      'a kernel out of RAM',
      undefined,
      { ...symbols, _text: '0xffffffff01000000' },
      "the kernel's variables do not lie in guest RAM",
    ],
  ])('says why it sees nothing: %s', (_what, change, map, reason) => {
    const { memory, word } = guest()
    if (change !== undefined) word(change.at, change.is)
    const read = readAddressSpace(memory, iomem, map, 2)
    expect(read.ok ? '' : read.reason).toMatch(reason)
  })
})

describe('readTotalRam', () => {
  const withTotal = { ...symbols, _totalram_pages: '0xffffffff81200100' }

  it('has the pages of the page allocator in bytes', () => {
    const { memory, word } = guest()
    word(BASE + 0x200100, 975_323n)
    expect(readTotalRam(memory, iomem, withTotal)).toEqual(seen('0xee1db000'))
  })

  it('says why it was not seen', () => {
    const { memory, word } = guest()
    word(BASE + 0x200100, 1n << 60n)
    expect([
      readTotalRam(memory, iomem, symbols),
      readTotalRam(memory, iomem, withTotal),
      readTotalRam(memory, iomem, { ...withTotal, _totalram_pages: '0xfffffffff1200100' }),
    ]).toEqual([
      { ok: false, reason: 'where _totalram_pages of this kernel lies is not known' },
      { ok: false, reason: '_totalram_pages does not lie in guest RAM' },
      { ok: false, reason: '_totalram_pages does not lie in guest RAM' },
    ])
  })
})
