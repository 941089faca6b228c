import { describe, expect, test } from 'vitest'
import { stringValue, u64leValue } from './fdt.ts'
import type { FdtNode, FdtProperty } from './fdt.ts'
import { writeFdt } from './fdt-write.ts'
import { decodeKexecMetadata, encodeKexecMetadata } from './kexec-metadata.ts'
import { decodeKhoRoot } from './kho-root.ts'
import { decodeLuo, encodeLuo } from './luo.ts'
import { decodeMemblockFdt } from './memblock-fdt.ts'
import { physAddr } from '../shared/units.ts'

const compatible = (...names: string[]): FdtProperty => ({ name: 'compatible', value: stringValue(names.join('\0')) })
const u64 = (name: string, value: number): FdtProperty => ({ name, value: u64leValue(value) })
const node = (name: string, properties: FdtProperty[], children: FdtNode[] = []): FdtNode => ({ name, properties, children })

describe('KHO root', () => {
  const decoded = (properties: FdtProperty[], children: FdtNode[] = []): unknown =>
    decodeKhoRoot(writeFdt(node('', properties, children)))

  test.each(['kho-v3', 'kho-v4'])('%s', (name) => {
    expect(decoded([compatible(name), u64('preserved-memory-map', 0x5000)])).toEqual({
      ok: true,
      value: { compatible: name, memoryMap: 0x5000, subtrees: [], broken: [], totalSize: 152 },
    })
  })

  test('a list of strings that has a known one, as fdt_node_check_compatible() takes it', () => {
    expect(decoded([compatible('kho-v9', 'kho-v4'), u64('preserved-memory-map', 0x5000)])).toMatchObject({
      ok: true,
      value: { compatible: 'kho-v4' },
    })
  })

  test.each([
    [
      'kho-v1 of 6.16 to 7.0',
      [compatible('kho-v1'), u64('preserved-memory-map', 0x5000)],
      "compatible 'kho-v1' is not one of kho-v3, kho-v4",
    ],
    ['a later release', [compatible('kho-v5')], "compatible 'kho-v5' is not one of kho-v3, kho-v4"],
    ['no compatible', [u64('preserved-memory-map', 0x5000)], 'the root node has no compatible string'],
    ['no map', [compatible('kho-v4')], 'property preserved-memory-map is missing'],
    ['map 0', [compatible('kho-v4'), u64('preserved-memory-map', 0)], 'preserved-memory-map is 0: nothing was preserved'],
    [
      'short map',
      [compatible('kho-v4'), { name: 'preserved-memory-map', value: new Uint8Array(4) }],
      'property preserved-memory-map has 4 bytes instead of 8',
    ],
  ])('refused: %s', (_name, properties, error) => {
    expect(decoded(properties)).toEqual({ ok: false, error })
  })

  test('sub nodes that the kernel would refuse are named, the others stay', () => {
    expect(
      decoded(
        [compatible('kho-v4'), u64('preserved-memory-map', 0x5000)],
        [
          node('good', [u64('blob-size', 5), u64('preserved-data', 0x6000)]),
          node('old', [u64('fdt', 0x6000)]),
          node('short', [u64('preserved-data', 0x6000), { name: 'blob-size', value: new Uint8Array(4) }]),
        ],
      ),
    ).toMatchObject({
      ok: true,
      value: {
        subtrees: [{ name: 'good', address: 0x6000, size: 5 }],
        broken: [
          { name: 'old', reason: 'property preserved-data is missing' },
          { name: 'short', reason: 'property blob-size has 4 bytes instead of 8' },
        ],
      },
    })
  })
})

describe('memblock subtree', () => {
  const decoded = (properties: FdtProperty[], children: FdtNode[] = []): unknown =>
    decodeMemblockFdt(writeFdt(node('', properties, children)))
  const region = (...properties: FdtProperty[]): FdtNode => node('trace', properties)

  test.each([
    ['another format', [compatible('memblock-v2')], [], "compatible 'memblock-v2' is not memblock-v1"],
    ['none', [], [], 'the root node has no compatible string'],
    [
      'another region format',
      [compatible('memblock-v1')],
      [region(compatible('reserve-mem-v2'))],
      "region 'trace' is not reserve-mem-v1",
    ],
    [
      'no start',
      [compatible('memblock-v1')],
      [region(compatible('reserve-mem-v1'), u64('size', 1))],
      "region 'trace': property start is missing",
    ],
    [
      'no size',
      [compatible('memblock-v1')],
      [region(compatible('reserve-mem-v1'), u64('start', 1))],
      "region 'trace': property size is missing",
    ],
  ])('refused: %s', (_name, properties, children, error) => {
    expect(decoded(properties, children)).toEqual({ ok: false, error })
  })
})

describe('kexec-metadata', () => {
  const good = encodeKexecMetadata({ version: 1, previousRelease: '7.3.4', kexecCount: 0xfffffffe })

  test('73 bytes, the count unaligned at 69', () => {
    expect([good.length, Array.from(good.subarray(69))]).toEqual([73, [0xfe, 0xff, 0xff, 0xff]])
    expect(decodeKexecMetadata(good)).toEqual({
      ok: true,
      value: { version: 1, previousRelease: '7.3.4', kexecCount: 0xfffffffe },
    })
  })

  test('refused as the kernel refuses it, in its order', () => {
    const withoutEnd = Uint8Array.from(good).fill(0x61, 4, 69)
    expect(
      [good.subarray(0, 3), Uint8Array.from(good).fill(2, 0, 1), good.subarray(0, 72), withoutEnd].map(decodeKexecMetadata),
    ).toEqual([
      { ok: false, error: 'kexec-metadata is too small: 3 bytes' },
      { ok: false, error: 'kexec-metadata version 2 is not 1' },
      { ok: false, error: 'kexec-metadata is too small: 72 of 73 bytes' },
      { ok: false, error: 'previous_release is not NUL-terminated text' },
    ])
  })

  test('a release of 64 letters is the longest', () => {
    const longest = { version: 1, previousRelease: 'r'.repeat(64), kexecCount: 1 }
    expect(decodeKexecMetadata(encodeKexecMetadata(longest))).toEqual({ ok: true, value: longest })
    expect(() => encodeKexecMetadata({ ...longest, previousRelease: 'r'.repeat(65) })).toThrow(RangeError)
  })
})

describe('LUO state', () => {
  const good = encodeLuo({ liveupdateNumber: 1, sessions: physAddr(0), flbs: physAddr(0x1000) })

  test.each([
    ['short', good.subarray(0, 31), 'LUO state is too small: 31 of 32 bytes'],
    ['the FDT of 6.19 to 7.1', Uint8Array.from(good).fill(0xd0, 0, 1), "compatible '(no text)' is not luo-v5"],
    ['a later format', Uint8Array.from(good).fill(0x36, 5, 6), "compatible 'luo-v6' is not luo-v5"],
    ['sessions nowhere', Uint8Array.from(good).fill(0xff, 16, 24), 'the address of the sessions is 2^52 or more'],
    ['FLB page nowhere', Uint8Array.from(good).fill(0xff, 24, 32), 'the address of the FLB page is 2^52 or more'],
  ])('refused: %s', (_name, bytes, error) => {
    expect(decodeLuo(bytes)).toEqual({ ok: false, error })
  })
})
