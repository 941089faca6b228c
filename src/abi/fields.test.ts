import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fieldsOf, setupDataFields } from './fields.ts'
import { KHOPROBE_TABLE_SIZE } from './khoprobe.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
/** The memblock subtree of tests/recorded/two-hops, first boot. */
const MEMBLOCK = bytes(
  'd00dfeed000000d200000040000000bc00000030000000110000001000000000000000160000007c0000000000000000000000000000000000000000000000000000000100000000000000030000000c0000000b6d656d626c6f636b2d763100000000017472616365000000000000030000000f0000000b726573657276652d6d656d2d763100000000000300000008000000050000c01e00000000000000030000000800000000000040000000000000000002000000020000000973697a6500737461727400636f6d70617469626c6500',
)
const LUO = bytes('6c756f2d76350000010000000000000000000000000000000000 7e0000000000'.replaceAll(' ', ''))

it('tells the fields of an FDT with the bytes they come from', () => {
  const { fields, problem } = fieldsOf('memblock', MEMBLOCK)
  expect(problem).toBeUndefined()
  expect(fields.slice(10).map(({ depth, name, text, address }) => [depth, name, text, address])).toMatchInlineSnapshot(`
    [
      [
        0,
        "/ {",
        "",
        undefined,
      ],
      [
        1,
        "compatible",
        ""memblock-v1"",
        undefined,
      ],
      [
        1,
        "trace {",
        "",
        undefined,
      ],
      [
        2,
        "compatible",
        ""reserve-mem-v1"",
        undefined,
      ],
      [
        2,
        "start",
        "0x1ec00000",
        515899392,
      ],
      [
        2,
        "size",
        "0x400000",
        undefined,
      ],
    ]
  `)
  const start = fields.find(({ name }) => name === 'start')
  expect(start && [...MEMBLOCK.subarray(start.offset, start.offset + start.length)]).toEqual([0, 0, 0xc0, 0x1e, 0, 0, 0, 0])
})

it('tells the fields of flat structures', () => {
  expect(fieldsOf('LUO', LUO).fields.map(({ offset, name, text, address }) => [offset, name, text, address])).toEqual([
    [0, 'compatible', '"luo-v5"', undefined],
    [8, 'liveupdate_num', '1', undefined],
    [16, 'sessions_pa', '0', undefined],
    [24, 'flbs_pa', '0x7e0000', 0x7e0000],
  ])
  expect(setupDataFields(bytes('00305600000000000010000000000000')).problem).toBe('16 of 32 bytes are there')
})

it('tells the sets of a khoprobe table, as many as it counts', () => {
  const table = new Uint8Array(KHOPROBE_TABLE_SIZE)
  const view = new DataView(table.buffer)
  const text = (at: number, words: string): void => table.set(new TextEncoder().encode(words), at)
  text(0, 'khoprobe-v1')
  view.setBigUint64(16, 2n, true)
  text(128, 'one')
  view.setUint32(128 + 16, 2, true)
  view.setBigUint64(128 + 32, 300n, true)
  view.setBigUint64(128 + 80, 0x7000n, true)
  view.setUint32(128 + 88, 300, true)
  view.setUint16(128 + 94, 9, true)
  text(256, 'two')
  const { fields, problem } = fieldsOf('khoprobe', table)
  expect(problem).toBeUndefined()
  const said = fields
    .filter(({ text: shown }) => shown !== '0')
    .map(({ depth, name, text: shown, address }) => [depth, name, shown, ...(address === undefined ? [] : [address])].join(' '))
  expect(said).toEqual([
    '0 compatible "khoprobe-v1"',
    '0 nr_records 2',
    '0 records[0] { ',
    '1 name "one"',
    '1 kind 2',
    '1 count 0x12c',
    '1 area.first 0x7000 28672',
    '1 area.total_pages 300',
    '1 area.order 9',
    '0 records[1] { ',
    '1 name "two"',
  ])
  view.setBigUint64(16, 2n ** 40n, true)
  expect(fieldsOf('khoprobe', table).fields.filter(({ name }) => name.startsWith('records['))).toHaveLength(31)
})

it('tells of a blob that was cut what is there, and why not the rest', () => {
  const { fields, problem } = fieldsOf('root', MEMBLOCK.subarray(0, 100))
  expect([fields.length, problem]).toEqual([10, 'the header says 210 bytes, only 100 are there'])
})

it('stays inside whatever it is given', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('root', 'memblock', 'LUO', 'kexec-metadata', 'khoprobe', 'x'),
      fc.uint8Array({ maxLength: 400 }),
      fc.nat(209),
      (name, noise, at) => {
        const broken = Uint8Array.from(MEMBLOCK)
        broken.set(noise.subarray(0, 210 - at), at)
        for (const blob of [noise, broken]) {
          for (const { offset, length } of fieldsOf(name, blob).fields) expect(offset + length).toBeLessThanOrEqual(blob.length)
        }
      },
    ),
  )
})
