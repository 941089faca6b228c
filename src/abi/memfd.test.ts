import { describe, expect, test } from 'vitest'
import { VMALLOC_CHUNK_ENTRIES, decodeKhoVmalloc, readVmallocPages } from './kho-vmalloc.ts'
import { readMemfd } from './memfd.ts'
import { mutate, seededRandom } from './testing/mutate.ts'
import { SyntheticMemory } from './testing/synthetic-memory.ts'

const RAM_END = 0x4000_0000

function u64(ram: SyntheticMemory, address: number, ...values: bigint[]): void {
  const bytes = new Uint8Array(8 * values.length)
  values.forEach((value, index) => new DataView(bytes.buffer).setBigUint64(8 * index, value, true))
  ram.write(address, bytes)
}

/** A memfd of `count` pages: its state at 0x1000, chunks from 0x10000, the array from 0x200000, folios from 0x1000000. */
function memfdOf(count: number): SyntheticMemory {
  const ram = new SyntheticMemory([{ start: 0, end: RAM_END }])
  const arrayPages = Math.ceil((count * 16) / 4096)
  u64(ram, 0x1000, 17n, BigInt(count * 4096), 5n, BigInt(count), 0x10000n, BigInt(arrayPages) | (1n << 32n))
  for (let index = 0; index < count; index++)
    u64(ram, 0x20_0000 + 16 * index, BigInt(0x1000 + index) | (3n << 52n), BigInt(index))
  for (let page = 0; page < arrayPages; page++) {
    const chunk = 0x10000 + 0x1000 * Math.floor(page / VMALLOC_CHUNK_ENTRIES)
    u64(ram, chunk + 8 + 8 * (page % VMALLOC_CHUNK_ENTRIES), BigInt(0x20_0000 + 0x1000 * page))
    if (page % VMALLOC_CHUNK_ENTRIES === VMALLOC_CHUNK_ENTRIES - 1) u64(ram, chunk, BigInt(chunk + 0x1000))
  }
  return ram
}

describe('a memfd in RAM', () => {
  test('state, folios, and the pages that list them', () => {
    expect(readMemfd(memfdOf(2), 0x1000)).toEqual({
      ok: true,
      value: {
        state: {
          position: 17,
          size: 8192,
          seals: 5,
          flags: 0,
          folioCount: 2,
          folios: { first: 0x10000, totalPages: 1, flags: 1, order: 0 },
        },
        folios: [
          { address: 0x1000000, dirty: true, uptodate: true, index: 0 },
          { address: 0x1001000, dirty: true, uptodate: true, index: 1 },
        ],
        array: { chunks: [0x10000], pages: [0x200000], order: 0 },
      },
    })
  })

  test('a chunk that is just full is followed by an empty one, as kho_preserve_vmalloc() makes it', () => {
    const full = readMemfd(memfdOf(VMALLOC_CHUNK_ENTRIES * 256), 0x1000)
    expect(full.ok && full.value.array?.chunks).toEqual([0x10000, 0x11000])
    expect(full.ok && full.value.folios).toHaveLength(130816)
  })

  test('the example of the ABI: pfn 0x12345 with both flags', () => {
    const ram = memfdOf(1)
    u64(ram, 0x20_0000, 0x0030_0000_0001_2345n)
    const memfd = readMemfd(ram, 0x1000)
    expect(memfd.ok && memfd.value.folios).toEqual([{ address: 0x12345000, dirty: true, uptodate: true, index: 0 }])
  })

  test('an empty file has no array', () => {
    const ram = memfdOf(0)
    u64(ram, 0x1020, 0n, 0n)
    expect(readMemfd(ram, 0x1000)).toMatchObject({ ok: true, value: { folios: [], array: undefined } })
  })
})

describe('what is refused', () => {
  const damaged = (damage: (ram: SyntheticMemory) => void, pages = 2): string => {
    const ram = memfdOf(pages)
    damage(ram)
    const memfd = readMemfd(ram, 0x1000)
    return memfd.ok ? 'accepted' : memfd.error
  }
  test.each<[string, (ram: SyntheticMemory) => void, string]>([
    ['more folios than pages', (ram) => u64(ram, 0x1018, 3n), 'a memfd of 8192 bytes says 3 folios'],
    [
      'a chunk outside RAM',
      (ram) => u64(ram, 0x1020, 0x8000_0000n),
      'a vmalloc chunk lies at 0x80000000, which is no page of RAM',
    ],
    ['a chunk within a page', (ram) => u64(ram, 0x1020, 0x10008n), 'a vmalloc chunk lies at 0x10008, which is no page of RAM'],
    ['a cycle of chunks', (ram) => u64(ram, 0x10000, 0x10000n), 'the vmalloc chunks come back to 0x10000'],
    [
      'a long list of chunks',
      (ram) => [0, 1, 2].forEach((at) => u64(ram, 0x10000 + 0x1000 * at, BigInt(0x11000 + 0x1000 * at))),
      'the vmalloc chunks are more than 1 addresses need',
    ],
    ['too few pages', (ram) => u64(ram, 0x10008, 0n), 'the vmalloc chunks list 0 addresses instead of 1'],
    ['too many pages', (ram) => u64(ram, 0x10010, 0x20_0000n), "the vmalloc chunks list more than the area's 1 pages"],
    [
      'a page outside RAM',
      (ram) => u64(ram, 0x10008, 0x4000_0000n),
      'the vmalloc chunk at 0x10000 lists a page that is not in RAM',
    ],
    ['an order beyond belief', (ram) => u64(ram, 0x1028, (40n << 48n) | 1n), 'a kho_vmalloc says order 40'],
    [
      'a total that is no multiple',
      (ram) => u64(ram, 0x1028, (1n << 48n) | 1n),
      'a kho_vmalloc says 1 pages in units of order 1',
    ],
    ['a folio outside RAM', (ram) => u64(ram, 0x20_0010, 0x4_0000n), 'folio 1 of a memfd: its page frame 0x40000 is not in RAM'],
    ['an index twice', (ram) => u64(ram, 0x20_0018, 0n), 'folio 1 of a memfd has index 0 after 0'],
    [
      'a huge position',
      (ram) => u64(ram, 0x1000, 2n ** 63n),
      'a memfd_luo_ser has a position, size or number of folios of 2^52 or more',
    ],
  ])('%s', (_what, damage, message) => {
    expect(damaged(damage)).toBe(message)
  })

  test('bytes that are cut off', () => {
    expect(decodeKhoVmalloc(new Uint8Array(15))).toEqual({ ok: false, error: 'a kho_vmalloc has 15 of 16 bytes' })
  })

  test('no damage makes the decoders throw or run on', () => {
    const random = seededRandom(7)
    const good = memfdOf(600)
    for (let round = 0; round < 2000; round++) {
      const ram = memfdOf(0)
      for (const page of good.writtenPages()) ram.write(page, mutate(good.page(page), random).subarray(0, 4096))
      readMemfd(ram, 0x1000)
      readVmallocPages(ram, { first: 0x10000 as never, totalPages: 3, flags: 1, order: 0 })
    }
  })
})
