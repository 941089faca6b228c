import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PhysMemory } from '../shared/phys-memory.ts'
import type { Result } from '../shared/result.ts'
import { PAGE_SIZE, physAddr } from '../shared/units.ts'
import { decodeBootParams } from './boot-params.ts'
import { parseBzImage } from './bzimage.ts'
import { decodeMessage, khoLines, logLines, memblockReservations } from './dmesg.ts'
import { e820Map, earlyNodeRanges, reservedAtEnd } from './early-log.ts'
import { fdtTotalSize, parseFdt } from './fdt.ts'
import { writeFdt } from './fdt-write.ts'
import { parseFirmwareMemmap } from './firmware-memmap.ts'
import { parseHugepages } from './hugepages.ts'
import { parseIomem } from './iomem.ts'
import { kexecLoads } from './kexec-log.ts'
import { decodeKexecMetadata } from './kexec-metadata.ts'
import { decodeKhoRoot } from './kho-root.ts'
import { decodeLuo, readLuoFiles, readLuoFlbs, readLuoSessions } from './luo.ts'
import { decodeMemblockFdt } from './memblock-fdt.ts'
import { hashTableOf, memoryLineOf, memoryLines } from './memory-log.ts'
import { meminfoBytes, parseBuddyinfo, parsePagetypeinfo } from './page-counts.ts'
import { walkRadix } from './radix-walk.ts'
import { decodeKhoSetupData, decodeScratchArray, encodeScratchArray, readSetupData } from './setup-data.ts'
import { parseZoneinfo } from './zoneinfo.ts'
import * as guest from './testing/captured-guest.ts'
import { mutate, seededRandom } from './testing/mutate.ts'
import { SyntheticMemory } from './testing/synthetic-memory.ts'
import { SyntheticTree } from './testing/synthetic-tree.ts'

/*
 * Guest bytes are hostile: whatever they are, a decoder answers (never throws), soon, and from its own bytes alone.
 * Mutants are made with a fixed seed, so a failure repeats.
 */
const MUTANTS = 1000
const SLOWEST_MS = 5000

const { unhex } = guest

/** Runs `decode` and fails when it throws or dawdles; the mutant's number finds it again. */
function answer<T>(decode: () => T, mutant: number): T {
  const start = performance.now()
  try {
    return decode()
  } catch (error) {
    throw new Error(`mutant ${mutant} made it throw`, { cause: error })
  } finally {
    if (performance.now() - start > SLOWEST_MS) throw new Error(`mutant ${mutant} took ${performance.now() - start} ms`)
  }
}

/** The same bytes in the middle of a larger buffer full of `guard`: who reads outside the bytes sees the guard. */
function guarded(bytes: Uint8Array, guard: number): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 8192).fill(guard)
  buffer.set(bytes, 4096 + 3)
  return buffer.subarray(4096 + 3, 4096 + 3 + bytes.length)
}

const bootParams = new Uint8Array(4096)
for (const [offset, hex] of guest.BOOT_PARAMS) bootParams.set(unhex(hex), offset)
const bzImage = new Uint8Array(4096)
bzImage.set(bootParams.subarray(0x1e0, 0x270), 0x1e0)
new DataView(bzImage.buffer).setUint16(0x20e, 0x600, true)
bzImage.set(new TextEncoder().encode('7.3.4 (root@vm) #1'), 0x800)
bzImage[0x1f1] = 3
// kexec hands over loadflags 0; in the file LOADED_HIGH is set.
bzImage[0x211] = 1

const byteDecoders: readonly (readonly [string, (bytes: Uint8Array) => unknown, Uint8Array])[] = [
  ['parseFdt', parseFdt, unhex(guest.IN_FDT)],
  ['fdtTotalSize', fdtTotalSize, unhex(guest.IN_FDT)],
  ['decodeKhoRoot', decodeKhoRoot, unhex(guest.IN_FDT)],
  ['decodeMemblockFdt', decodeMemblockFdt, unhex(guest.MEMBLOCK)],
  ['decodeKexecMetadata', decodeKexecMetadata, unhex(guest.KEXEC_METADATA)],
  ['decodeLuo', decodeLuo, unhex(guest.LUO)],
  ['decodeKhoSetupData', decodeKhoSetupData, unhex(guest.KHO_SETUP_DATA)],
  [
    'decodeScratchArray',
    decodeScratchArray,
    encodeScratchArray([
      { start: physAddr(0x37000000), size: 0x6800000 },
      { start: physAddr(0x3f800000), size: 0 },
    ]),
  ],
  ['decodeBootParams', decodeBootParams, bootParams],
  ['parseBzImage', parseBzImage, bzImage],
]

describe('decoders of bytes', () => {
  test.each(byteDecoders)('%s', (_name, decode, good) => {
    const random = seededRandom(20261122)
    for (let mutant = 0; mutant < MUTANTS; mutant++) {
      const bytes = mutate(good, random)
      const first = answer(() => decode(guarded(bytes, 0x55)), mutant)
      const second = answer(() => decode(guarded(bytes, 0xaa)), mutant)
      if (!isDeepStrictEqual(first, second)) throw new Error(`mutant ${mutant}: the answer depends on bytes around the input`)
    }
  })

  test.each(byteDecoders)('%s, any noise', (_name, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decode(bytes)
      }),
      { numRuns: 300 },
    )
  })

  test('the mutants are worth something: some are accepted and many are refused, and the untouched input is accepted', () => {
    for (const [name, decode, good] of byteDecoders.filter(([, decode]) => decode !== fdtTotalSize)) {
      const accepts = (bytes: Uint8Array): boolean => (decode(bytes) as Result<unknown>).ok
      const random = seededRandom(7)
      const accepted = Array.from({ length: 300 }, () => mutate(good, random)).filter(accepts).length
      expect([name, accepts(good), accepted > 0, accepted < 300]).toEqual([name, true, true, true])
    }
  })

  test('a mutant that is still an FDT is written as that FDT', () => {
    const random = seededRandom(1)
    let alive = 0
    for (let mutant = 0; mutant < 2000; mutant++) {
      const fdt = parseFdt(mutate(unhex(guest.IN_FDT), random))
      if (!fdt.ok) continue
      alive++
      const again = parseFdt(writeFdt(fdt.value.root))
      if (!again.ok || !isDeepStrictEqual(again.value.root, fdt.value.root))
        throw new Error(`mutant ${mutant}: written as another tree`)
    }
    expect(alive).toBeGreaterThan(50)
  })
})

/** RAM from 0 as one array, that refuses to be asked for what no decoder needs. */
function ramOf(bytes: Uint8Array): PhysMemory {
  return {
    ranges: [{ start: 0, end: bytes.length }],
    read(address, length) {
      if (!Number.isInteger(address) || !Number.isInteger(length) || length < 0 || length > 2 ** 20) {
        throw new RangeError(`read(${address}, ${length})`)
      }
      return address >= 0 && address + length <= bytes.length ? bytes.subarray(address, address + length) : undefined
    },
  }
}

/** 64 pages with a radix tree from page 1, LUO blocks from page 40 and a setup_data chain from page 50. */
function goodRam(): Uint8Array {
  const memory = new SyntheticMemory([{ start: 0, end: 64 * PAGE_SIZE }])
  const tree = new SyntheticTree(memory, PAGE_SIZE)
  for (const order of [0, 1, 2, 9, 10])
    for (let index = 1; index < 40; index += order + 1) tree.add(index * 2 ** (order + 12), order)
  const words = (address: number, ...values: number[]): void => {
    values.forEach((value, index) =>
      new DataView(memory.page(address - (address % PAGE_SIZE)).buffer).setBigUint64(
        (address % PAGE_SIZE) + 8 * index,
        BigInt(value),
        true,
      ),
    )
  }
  for (const page of [40, 41, 42]) words(page * PAGE_SIZE, page === 42 ? 0 : (page + 1) * PAGE_SIZE, 5)
  words(45 * PAGE_SIZE, 1, 3)
  for (const page of [50, 51, 52]) words(page * PAGE_SIZE, page === 52 ? 0 : (page + 1) * PAGE_SIZE, 10 + 32 * 2 ** 32)
  const ram = new Uint8Array(64 * PAGE_SIZE)
  for (const address of memory.writtenPages()) ram.set(memory.page(address), address)
  return ram
}

describe('decoders of memory', () => {
  const decoders: readonly (readonly [string, (memory: PhysMemory) => Result<unknown>, readonly number[]])[] = [
    ['walkRadix', (memory) => walkRadix(memory, PAGE_SIZE), [1, 34]],
    ['readLuoSessions', (memory) => readLuoSessions(memory, 40 * PAGE_SIZE), [40, 43]],
    ['readLuoFiles', (memory) => readLuoFiles(memory, 40 * PAGE_SIZE), [40, 43]],
    ['readLuoFlbs', (memory) => readLuoFlbs(memory, 45 * PAGE_SIZE), [45, 46]],
    ['readSetupData', (memory) => readSetupData(memory, 50 * PAGE_SIZE), [50, 53]],
  ]

  test.each(decoders)('%s', (_name, decode, [from, to]) => {
    const good = goodRam()
    expect(decode(ramOf(good)).ok).toBe(true)
    const random = seededRandom(42)
    for (let mutant = 0; mutant < 250; mutant++) {
      const ram = Uint8Array.from(good)
      // Defects go where the structure is, and pages get swapped: whole structures in the wrong place are the worst.
      for (let page = from ?? 0; page < (to ?? 0); page++) {
        if (random() < 0.3)
          ram.set(mutate(good.subarray(page * PAGE_SIZE, page * PAGE_SIZE + 64), random).subarray(0, 64), page * PAGE_SIZE)
        if (random() < 0.1)
          ram.copyWithin(page * PAGE_SIZE, Math.floor(random() * 64) * PAGE_SIZE, Math.floor(random() * 64) * PAGE_SIZE)
      }
      const cut = random() < 0.1 ? Math.floor(random() * ram.length) : ram.length
      answer(() => decode(ramOf(guarded(ram.subarray(0, cut), 0xff))), mutant)
    }
  })

  test('walkRadix in RAM of noise, and of pointers everywhere', () => {
    const random = seededRandom(3)
    for (let run = 0; run < 20; run++) {
      const ram = new Uint8Array(64 * PAGE_SIZE)
      const view = new DataView(ram.buffer)
      for (let offset = 0; offset < ram.length; offset += 8) {
        if (run % 2 === 0) view.setUint32(offset, random() * 2 ** 32)
        else view.setBigUint64(offset, BigInt(Math.floor(random() * 70) * PAGE_SIZE), true)
      }
      const walk = answer(() => walkRadix(ramOf(ram), 0), run)
      if (!walk.ok) throw new Error(walk.error)
      expect(walk.value.complete).toBe(false)
      expect(walk.value.nodeAddresses.every((address) => address % PAGE_SIZE === 0 && address < ram.length)).toBe(true)
    }
  })
})

describe('decoders of text', () => {
  const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })
  const HUGEPAGES = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages'
  const iomem = '00100000-3ffdffff : System RAM\n  01000000-0140a2cf : Kernel code\n'
  const decoders: readonly (readonly [string, (text: string) => unknown, string])[] = [
    ['logLines', logLines, guest.LOG],
    ['khoLines', khoLines, guest.LOG],
    ['decodeMessage', decodeMessage, 'KHO: exec from: 7.3.4 (count 1)'],
    ['memblockReservations', memblockReservations, guest.LOG],
    ['kexecLoads', kexecLoads, guest.LOG],
    ['parseIomem', parseIomem, iomem],
    ['e820Map', e820Map, guest.LOG],
    ['earlyNodeRanges', earlyNodeRanges, `Early memory node ranges\n  node   0: [mem 0x0000000000001000-0x000000000009efff]\n`],
    ['reservedAtEnd', reservedAtEnd, ` reserved.cnt  = 0x1\n reserved[0x0]\t[0x1000-0x1fff], 0x1000 bytes flags: 0x0\nSLUB: \n`],
    ['memoryLines', memoryLines, 'Zone ranges:\n  Normal   empty\nFreeing initrd memory: 4K\n'],
    ['hashTableOf', hashTableOf, 'Dentry cache hash table entries: 131072 (order: 8, 1048576 bytes, linear)'],
    [
      'memoryLineOf',
      memoryLineOf,
      `Memory: 1K/2K available (3K kernel code, 4K rwdata, 5K rodata, 6K init, 7K bss, 8K reserved, 0K cma-reserved)`,
    ],
    ['parseZoneinfo', parseZoneinfo, `Node 0, zone Normal\n  pages free 1\n spanned 2\n present 3\n managed 4\n cma 5\n`],
    ['parseBuddyinfo', parseBuddyinfo, 'Node 0, zone    DMA32      3      3      4 \n'],
    [
      'parsePagetypeinfo',
      parsePagetypeinfo,
      `Number of blocks type     Movable          CMA \nNode 0, zone    DMA32            1           82 \n`,
    ],
    ['meminfoBytes', (text) => meminfoBytes(text, 'MemTotal'), 'MemTotal:        3901292 kB\n'],
    ['parseHugepages', (text) => parseHugepages([{ path: HUGEPAGES, text }]), '4\n'],
    [
      'parseFirmwareMemmap',
      (text) => parseFirmwareMemmap(['start', 'end', 'type'].map((name) => ({ path: `memmap/0/${name}`, text }))),
      '0x1000\n',
    ],
  ]

  test.each(decoders)('%s', (_name, decode, good) => {
    const random = seededRandom(11)
    const bytes = new TextEncoder().encode(good)
    for (let mutant = 0; mutant < MUTANTS; mutant++) {
      const text = new TextDecoder('latin1').decode(mutate(bytes, random))
      answer(() => decode(text), mutant)
    }
  })

  test.each(decoders)('%s, any text and very long lines', (_name, decode) => {
    fc.assert(
      fc.property(anyText, (text) => {
        decode(text)
      }),
      { numRuns: 300 },
    )
    for (const unit of ['0', ' ', '[', 'KHO: exec from: ', '0x', 'a-', "'", '1,']) answer(() => decode(unit.repeat(200_000)), 0)
  })
})
