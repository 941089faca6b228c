import { describe, expect, test } from 'vitest'
import { readLuoFiles, readLuoFlbs, readLuoSessions } from './luo.ts'
import { decodeScratchArray, encodeScratchArray, readSetupData } from './setup-data.ts'
import { physAddr } from '../shared/units.ts'
import { SyntheticMemory } from './testing/synthetic-memory.ts'

const memory = (): SyntheticMemory => new SyntheticMemory([{ start: 0, end: 0x100000 }])
const u64 = (ram: SyntheticMemory, address: number, ...values: bigint[]): void => {
  const bytes = new Uint8Array(8 * values.length)
  values.forEach((value, index) => new DataView(bytes.buffer).setBigUint64(8 * index, value, true))
  ram.write(address, bytes)
}
const text = (ram: SyntheticMemory, address: number, value: string): void => ram.write(address, new TextEncoder().encode(value))

describe('LUO blocks', () => {
  test('sessions over two blocks, the files of one', () => {
    const ram = memory()
    u64(ram, 0x1000, 0x2000n, 1n)
    text(ram, 0x1010, 'vm-0')
    u64(ram, 0x1010 + 64, 0x3000n, 2n)
    u64(ram, 0x2000, 0n, 2n)
    text(ram, 0x2010, 'vm-1')
    text(ram, 0x2010 + 80, 'vm-2')
    u64(ram, 0x3000, 0n, 1n)
    text(ram, 0x3010, 'memfd-v2')
    u64(ram, 0x3010 + 48, 0x4000n, 2n ** 64n - 1n)
    expect(readLuoSessions(ram, 0x1000)).toEqual({
      ok: true,
      value: {
        blocks: [0x1000, 0x2000],
        entries: [
          { name: 'vm-0', files: 0x3000, fileCount: 2 },
          { name: 'vm-1', files: 0, fileCount: 0 },
          { name: 'vm-2', files: 0, fileCount: 0 },
        ],
        emptyBlocks: 0,
      },
    })
    expect(readLuoFiles(ram, 0x3000)).toEqual({
      ok: true,
      value: { blocks: [0x3000], entries: [{ compatible: 'memfd-v2', data: 0x4000n, token: 2n ** 64n - 1n }], emptyBlocks: 0 },
    })
  })

  test('no block at all, and a block that is not serialized yet', () => {
    expect(readLuoSessions(memory(), 0)).toEqual({ ok: true, value: { blocks: [], entries: [], emptyBlocks: 0 } })
    expect(readLuoSessions(memory(), 0x1000)).toEqual({ ok: true, value: { blocks: [0x1000], entries: [], emptyBlocks: 1 } })
  })

  test('51 sessions and 63 files fill a block, one more is refused', () => {
    const ram = memory()
    const full = (count: bigint): SyntheticMemory => {
      u64(ram, 0x1000, 0n, count)
      return ram
    }
    expect(readLuoSessions(full(51n), 0x1000).ok).toBe(true)
    expect(readLuoFiles(full(63n), 0x1000).ok).toBe(true)
    const error = 'the block at 0x1000 counts more entries than a page holds'
    expect([readLuoSessions(full(52n), 0x1000), readLuoFiles(full(64n), 0x1000), readLuoFiles(full(2n ** 63n), 0x1000)]).toEqual(
      Array(3).fill({ ok: false, error }),
    )
  })

  test.each([
    ['a cycle', (ram: SyntheticMemory) => u64(ram, 0x2000, 0x1000n, 0n), 'the chain comes back to its block at 0x1000'],
    ['an address outside RAM', (ram: SyntheticMemory) => u64(ram, 0x2000, 0x100000n, 0n), 'a block at 0x100000 lies outside RAM'],
    ['an address off its page', (ram: SyntheticMemory) => u64(ram, 0x2000, 0x1008n, 0n), 'a block has no page address (4104)'],
    ['no address', (ram: SyntheticMemory) => u64(ram, 0x2000, 2n ** 52n, 0n), 'the block at 0x2000 points to 2^52 or more'],
    [
      'a name without end',
      (ram: SyntheticMemory) => {
        u64(ram, 0x2000, 0n, 1n)
        ram.write(0x2010, new Uint8Array(64).fill(0x61))
      },
      'a session has no readable name',
    ],
  ])('%s', (_name, prepare, error) => {
    const ram = memory()
    u64(ram, 0x1000, 0x2000n, 0n)
    prepare(ram)
    expect(readLuoSessions(ram, 0x1000)).toEqual({ ok: false, error })
  })

  test('more than 10000 blocks', () => {
    const ram = new SyntheticMemory([{ start: 0, end: 0x10000000 }])
    for (let block = 1; block <= 10_001; block++) u64(ram, block * 4096, BigInt((block + 1) * 4096), 0n)
    expect(readLuoSessions(ram, 4096)).toEqual({ ok: false, error: 'the chain has more than 10000 blocks' })
  })

  test('the FLB page', () => {
    const ram = memory()
    u64(ram, 0x1000, 1n, 1n)
    text(ram, 0x1010, 'iommu')
    u64(ram, 0x1010 + 48, 0x4000n, 3n)
    expect(readLuoFlbs(ram, 0x1000)).toEqual({ ok: true, value: [{ name: 'iommu', data: 0x4000n, count: 3 }] })
    u64(ram, 0x1000, 1n, 64n)
    expect(readLuoFlbs(ram, 0x1000)).toEqual({ ok: false, error: 'the FLB header counts more entries than its page holds' })
    expect(readLuoFlbs(ram, 0x2000)).toEqual({ ok: false, error: 'the FLB header says 0 pages instead of 1' })
  })
})

describe('setup_data', () => {
  const entry = (ram: SyntheticMemory, address: number, next: bigint, type: number, length: number): void =>
    u64(ram, address, next, BigInt(type) | (BigInt(length) << 32n))

  test('a chain across a page boundary', () => {
    const ram = memory()
    entry(ram, 0xffc, 0x3000n, 9, 2)
    ram.write(0x100c, Uint8Array.from([1, 2]))
    entry(ram, 0x3000, 0n, 10, 0)
    expect(readSetupData(ram, 0xffc)).toEqual({
      ok: true,
      value: [
        { address: 0xffc, type: 9, payload: Uint8Array.from([1, 2]) },
        { address: 0x3000, type: 10, payload: new Uint8Array(0) },
      ],
    })
    expect(readSetupData(ram, 0)).toEqual({ ok: true, value: [] })
  })

  test.each([
    ['a cycle', 0x1000n, 0, 'the setup_data chain comes back to 0x1000'],
    ['outside RAM', 0x100000n, 0, 'a setup_data header at 0x100000 lies outside RAM'],
    ['no address', 2n ** 63n, 0, 'the setup_data at 0x1000 points to 2^52 or more'],
    ['too long', 0n, 0xffffffff, 'the setup_data at 0x1000 claims 4294967295 bytes'],
    ['longer than RAM', 0n, 0xff000, 'the payload of the setup_data at 0x1000 lies outside RAM'],
  ])('%s', (_name, next, length, error) => {
    const ram = memory()
    entry(ram, 0x1000, next, 10, length)
    expect(readSetupData(ram, 0x1000)).toEqual({ ok: false, error })
  })

  test('a chain of 65 entries', () => {
    const ram = memory()
    for (let index = 1; index <= 65; index++) entry(ram, index * 16, BigInt((index + 1) * 16), 0, 0)
    expect(readSetupData(ram, 16)).toEqual({ ok: false, error: 'the setup_data chain has more than 64 entries' })
  })
})

describe('scratch array', () => {
  const entries = [
    { start: physAddr(0x37000000), size: 0x6800000 },
    { start: physAddr(0x3f800000), size: 0 },
  ]

  test('there and back', () => {
    expect(decodeScratchArray(encodeScratchArray(entries))).toEqual({ ok: true, value: entries })
  })

  test('refused: nothing, a part of an entry, an address that is none', () => {
    expect([
      decodeScratchArray(new Uint8Array(0)),
      decodeScratchArray(new Uint8Array(17)),
      decodeScratchArray(new Uint8Array(16).fill(255)),
    ]).toEqual([
      { ok: false, error: 'a scratch array of 0 bytes does not consist of 16-byte entries' },
      { ok: false, error: 'a scratch array of 17 bytes does not consist of 16-byte entries' },
      { ok: false, error: 'scratch entry 0 holds 2^52 or more' },
    ])
  })
})
