import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { kernelMemblockFdt, kernelRootFdt } from './libfdt-layout.ts'
import type { KernelSubtree } from './libfdt-layout.ts'
import { IN_FDT, MEMBLOCK } from './testing/captured-guest.ts'

/*
 * Expected bytes: a C program linked with scripts/dtc/libfdt of Linux 7.3.4 that makes the calls of kho_out_fdt_setup()
 * (fdt_create, fdt_finish_reservemap, fdt_begin_node, fdt_property_string, fdt_property, fdt_end_node, fdt_finish, in a
 * page of 4096 bytes), then for each subtree those of kho_add_subtree() (fdt_open_into, fdt_add_subnode, fdt_setprop
 * twice, fdt_del_node on error, fdt_pack); for memblock those of prepare_kho_fdt(). 940 random sets of subtrees and
 * regions, full pages among them, gave the same bytes there and here; the ones below are kept.
 */
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const SUBTREES: readonly KernelSubtree[] = [
  { name: 'kexec-metadata', address: 0x1234000, size: 73 },
  { name: 'LUO', address: 0x2234000, size: 32 },
  { name: 'memblock', address: 0x3334000, size: 210 },
]
const root = (subtrees: readonly KernelSubtree[], compatible = 'kho-v4', memoryMap = 0x116bef000): Uint8Array =>
  kernelRootFdt({ compatible, memoryMap, subtrees })

describe('root FDT', () => {
  test('none of the four sizes is a guess: 152, 233, 285, 345 bytes', () => {
    expect([0, 1, 2, 3].map((count) => root(SUBTREES.slice(0, count)).length)).toEqual([152, 233, 285, 345])
  })

  test('without subtrees: reservations start at 48, as fdt_create leaves them', () => {
    expect(hexOf(root([]))).toBe(
      'd00dfeed0000009800000040000000780000003000000011000000100000000000000020000000380000000000000000000000000000000000000000' +
        '0000000000000001000000000000000300000007000000156b686f2d7634000000000003000000080000000000f0be16010000000000000200000009' +
        '7072657365727665642d6d656d6f72792d6d617000636f6d70617469626c6500',
    )
  })

  test('one subtree: packed, blob-size in front of preserved-data', () => {
    expect(hexOf(root(SUBTREES.slice(0, 1)))).toBe(
      'd00dfeed000000e900000038000000b00000002800000011000000100000000000000039000000780000000000000000000000000000000000000001' +
        '000000000000000300000007000000156b686f2d7634000000000003000000080000000000f0be1601000000000000016b657865632d6d6574616461' +
        '7461000000000003000000080000002f4900000000000000000000030000000800000020004023010000000000000002000000020000000970726573' +
        '65727665642d6d656d6f72792d6d617000636f6d70617469626c65007072657365727665642d6461746100626c6f622d73697a6500',
    )
  })

  test('three subtrees: the newest first', () => {
    expect(hexOf(root(SUBTREES))).toBe(
      'd00dfeed0000015900000038000001200000002800000011000000100000000000000039000000e80000000000000000000000000000000000000001' +
        '000000000000000300000007000000156b686f2d7634000000000003000000080000000000f0be1601000000000000016d656d626c6f636b00000000' +
        '00000003000000080000002fd200000000000000000000030000000800000020004033030000000000000002000000014c554f000000000300000008' +
        '0000002f2000000000000000000000030000000800000020004023020000000000000002000000016b657865632d6d65746164617461000000000003' +
        '000000080000002f490000000000000000000003000000080000002000402301000000000000000200000002000000097072657365727665642d6d65' +
        '6d6f72792d6d617000636f6d70617469626c65007072657365727665642d6461746100626c6f622d73697a6500',
    )
  })

  test('a name that is taken, also but for its unit address, is left out', () => {
    const subtrees = [
      { name: 'kexec-metadata', address: 0x1000, size: 73 },
      { name: 'kexec-metadata', address: 0x2000, size: 73 },
      { name: 'kho_test@1', address: 0x3000, size: 1 },
      { name: 'kho_test', address: 0x4000, size: 2 },
    ]
    expect(hexOf(root(subtrees, 'kho-v3', 0x7fff000))).toBe(
      'd00dfeed0000012500000038000000ec0000002800000011000000100000000000000039000000b40000000000000000000000000000000000000001' +
        '000000000000000300000007000000156b686f2d7633000000000003000000080000000000f0ff0700000000000000016b686f5f7465737440310000' +
        '00000003000000080000002f0100000000000000000000030000000800000020003000000000000000000002000000016b657865632d6d6574616461' +
        '7461000000000003000000080000002f4900000000000000000000030000000800000020001000000000000000000002000000020000000970726573' +
        '65727665642d6d656d6f72792d6d617000636f6d70617469626c65007072657365727665642d6461746100626c6f622d73697a6500',
    )
  })

  test.each([
    [
      '100 subtrees in one page',
      Array.from({ length: 100 }, (_unused, i) => ({ name: `subtree-${i}`, address: 4096 * (i + 1), size: i })),
      4069,
      'b5326acc3581b57eb969d921822de01c6500819daebf498547fdca17a144f9d3',
    ],
    [
      'the longest name that fits',
      [
        { name: 'F'.repeat(3867), address: 4096, size: 8 },
        { name: 'b', address: 4096, size: 3 },
      ],
      4085,
      '37e99aea662996d95fcb6134d6546f1c7e3d8d9b8aadbc7ba35315b092440cfe',
    ],
    [
      'one letter more',
      [
        { name: 'F'.repeat(3868), address: 4096, size: 8 },
        { name: 'b', address: 4096, size: 3 },
      ],
      221,
      '39f0cef5ece72781932bd30aa35d1077c4426fb27672cbff4dffe620e6b923aa',
    ],
  ])('a full page: %s', (_name, subtrees, size, digest) => {
    const blob = root(subtrees, 'kho-v4', 4096)
    expect([blob.length, sha256(blob)]).toEqual([size, digest])
  })

  test('byte for byte what a 7.3.4 guest handed over', () => {
    const blob = root(
      [
        { name: 'kexec-metadata', address: 0x5e6000, size: 73 },
        { name: 'LUO', address: 0x620000, size: 32 },
        { name: 'memblock', address: 0x629000, size: 210 },
      ],
      'kho-v4',
      0x5a1000,
    )
    expect(hexOf(blob)).toBe(IN_FDT)
  })
})

describe('memblock FDT', () => {
  test('one region: 210 bytes', () => {
    expect(hexOf(kernelMemblockFdt([{ name: 'oops', start: 0x7f400000, size: 0xc00000 }]))).toBe(
      'd00dfeed000000d200000040000000bc00000030000000110000001000000000000000160000007c0000000000000000000000000000000000000000' +
        '000000000000000100000000000000030000000c0000000b6d656d626c6f636b2d763100000000016f6f707300000000000000030000000f0000000b' +
        '726573657276652d6d656d2d763100000000000300000008000000050000407f000000000000000300000008000000000000c0000000000000000002' +
        '000000020000000973697a6500737461727400636f6d70617469626c6500',
    )
  })

  test('two regions: 294 bytes', () => {
    const blob = kernelMemblockFdt([
      { name: 'oops', start: 0x7f400000, size: 0xc00000 },
      { name: 'trace', start: 0x3da00000, size: 0x1000 },
    ])
    expect([blob.length, sha256(blob)]).toEqual([294, '0d670725283681ffc0532553ce49b69b5ef705b02da25710a5791ba56d77b4e5'])
  })

  test('byte for byte what a 7.3.4 guest made', () => {
    expect(hexOf(kernelMemblockFdt([{ name: 'trace', start: 0x3da00000, size: 0xc00000 }]))).toBe(MEMBLOCK)
  })
})
