import { describe, expect, it } from 'vitest'
import { SyntheticMemory } from '../../abi/testing/synthetic-memory.ts'
import { memfdSeed, patternWord } from '../../shared/luo-pattern.ts'
import { hex } from '../../shared/units.ts'
import { readLuoIncoming } from './luo-incoming.ts'

const SEED = 1
const PAGES = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000, 0x8000]
const records = (pages = PAGES) => pages.map((page) => ({ start: hex(page), order: 0 }))

function u64(ram: SyntheticMemory, address: number, ...values: bigint[]): void {
  const bytes = new Uint8Array(8 * values.length)
  values.forEach((value, index) => new DataView(bytes.buffer).setBigUint64(8 * index, value, true))
  ram.write(address, bytes)
}
const text = (ram: SyntheticMemory, address: number, value: string): void => ram.write(address, new TextEncoder().encode(value))

/** Sessions at 0x1000 (one with a memfd of two pages, one without), files 0x2000, memfd 0x3000, chunk 0x4000, array 0x5000, folios 0x6000. */
function handedOver(): SyntheticMemory {
  const ram = new SyntheticMemory([{ start: 0, end: 0x100000 }])
  u64(ram, 0x1000, 0n, 2n)
  text(ram, 0x1010, 'vm')
  u64(ram, 0x1010 + 64, 0x2000n, 1n)
  text(ram, 0x1010 + 80, 'empty')
  u64(ram, 0x2000, 0n, 1n)
  text(ram, 0x2010, 'memfd-v2')
  u64(ram, 0x2010 + 48, 0x3000n, 7n)
  u64(ram, 0x3000, 0n, 8192n, 0n, 2n, 0x4000n, 1n | (1n << 32n))
  u64(ram, 0x4000, 0n, 0x5000n)
  u64(ram, 0x5000, 6n | (3n << 52n), 0n, 7n | (3n << 52n), 1n)
  for (let word = 0; word < 2048; word++) {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, patternWord(memfdSeed(SEED, 7), word), true)
    ram.write(0x6000 + 4 * word, bytes)
  }
  return ram
}

describe('sessions that a boot was handed', () => {
  it('are found among the preserved pages, with their memfds and whether every word is right', () => {
    expect(readLuoIncoming(handedOver(), records(), SEED)).toEqual({
      ok: true,
      value: {
        address: '0x1000',
        sessions: [
          { name: 'vm', files: [{ token: 7, compatible: 'memfd-v2', size: 8192, folios: 2, intactPages: 2 }] },
          { name: 'empty', files: [] },
        ],
        places: [
          {
            session: 'vm',
            token: 7,
            state: '0x3000',
            lists: [{ start: '0x4000', end: '0x6000' }],
            folios: [{ start: '0x6000', end: '0x8000' }],
            more: 0,
          },
        ],
        pageCount: 7,
      },
    })
  })

  it('one bit of a folio is enough to miss a page', () => {
    const ram = handedOver()
    ram.write(0x7ffc, Uint8Array.of(0xff, 0, 0, 0))
    const read = readLuoIncoming(ram, records(), SEED)
    expect(read.ok && read.value.sessions[0]?.files[0]?.intactPages).toBe(1)
  })

  it('another seed of the experiment is another pattern', () => {
    const read = readLuoIncoming(handedOver(), records(), 2)
    expect(read.ok && read.value.sessions[0]?.files[0]?.intactPages).toBe(0)
  })

  it('without a block of sessions there are none', () => {
    expect(readLuoIncoming(handedOver(), records([0x3000, 0x4000, 0x6000]), SEED)).toEqual({
      ok: true,
      value: { sessions: [], pageCount: 0 },
    })
  })

  it('damage is said and never guessed over', () => {
    const broken = handedOver()
    u64(broken, 0x3018, 3n)
    expect(readLuoIncoming(broken, records(), SEED)).toEqual({
      ok: false,
      reason: 'session vm: file 7: a memfd of 8192 bytes says 3 folios',
    })
    const two = handedOver()
    u64(two, 0x8000, 0n, 1n)
    text(two, 0x8010, 'other')
    expect(readLuoIncoming(two, records(), SEED)).toEqual({
      ok: false,
      reason: 'several preserved pages begin with sessions: 0x1000, 0x8000',
    })
  })
})
