import { expect, it } from 'vitest'
import { parseProbeAnswers, probeFields } from './khoprobe-answer.ts'
import { decodeProbeTable, KHOPROBE_TABLE_SIZE, readProbeEntries } from './khoprobe.ts'

const TABLE = 0x1000
const CHUNK = 0x2000
const LIST = 0x3000
const RAM_END = 0x100000

/** One set `a` of two folios: order 1 at 0x8000, order 0 at 0x9000. */
function guest(entries: readonly bigint[] = [0x8001n, 0x9000n]) {
  const bytes = new Uint8Array(RAM_END)
  const view = new DataView(bytes.buffer)
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at)
  text(TABLE, 'khoprobe-v1')
  view.setBigUint64(TABLE + 16, 1n, true)
  const record = TABLE + 128
  text(record, 'a')
  view.setBigUint64(record + 32, BigInt(entries.length), true)
  view.setBigUint64(record + 40, 3n, true)
  view.setBigUint64(record + 64, BigInt(CHUNK), true)
  view.setUint32(record + 72, 1, true)
  view.setBigUint64(CHUNK + 8, BigInt(LIST), true)
  entries.forEach((entry, index) => view.setBigUint64(LIST + 8 * index, entry, true))
  const memory = {
    ranges: [{ start: 0, end: RAM_END }],
    read: (address: number, length: number) => (address + length <= RAM_END ? bytes.slice(address, address + length) : undefined),
  }
  return { memory, table: bytes.subarray(TABLE, TABLE + KHOPROBE_TABLE_SIZE) }
}

it('reads a table, and the entries that it leads to', () => {
  const { memory, table } = guest()
  const records = decodeProbeTable(table)
  const [record] = records.ok ? records.value : []
  if (record === undefined) throw new Error('the table has a record')
  expect(record).toMatchObject({ name: 'a', kind: 'folio', count: 2, pages: 3 })
  const entries = readProbeEntries(memory, record)
  expect(entries.ok && [[...entries.value.starts], [...entries.value.orders], entries.value.listPages]).toEqual([
    [0x8000, 0x9000],
    [1, 0],
    [CHUNK, LIST],
  ])
})

it.each([
  ['of another kind', (table: Uint8Array) => table.set([0x78], 0)],
  ['with more sets than it has room for', (table: Uint8Array) => table.set([32], 16)],
  ['with a kind of set that there is not', (table: Uint8Array) => table.set([3], 128 + 16)],
  ['with more entries than khoprobe takes', (table: Uint8Array) => table.set([0xff], 128 + 38)],
])('refuses a table %s', (_what, damage) => {
  const { table } = guest()
  damage(table)
  expect(decodeProbeTable(table).ok).toBe(false)
})

it.each([
  ['outside RAM', [BigInt(RAM_END)]],
  ['of an order that there is not', [0x800bn]],
  ['beyond every address', [0xffff_ffff_ffff_f000n]],
])('refuses an entry %s', (_what, entries) => {
  const { memory, table } = guest(entries)
  const records = decodeProbeTable(table)
  const [record] = records.ok ? records.value : []
  expect(record !== undefined && readProbeEntries(memory, record).ok).toBe(false)
})

it('splits what the guest tool prints into answers', () => {
  const text = '> list\ntable none\nset a kind=folio entries=2\n= 0 12\n> put b\nerror 2 there is no set b\n= 2 0\n'
  expect(parseProbeAnswers(text)).toEqual({
    ok: true,
    value: [
      { command: 'list', lines: ['table none', 'set a kind=folio entries=2'], errno: 0, ms: 12 },
      { command: 'put b', lines: ['error 2 there is no set b'], errno: 2, ms: 0 },
    ],
  })
  expect(probeFields('set a kind=folio entries=2').get('entries')).toBe('2')
  expect(parseProbeAnswers('> list\ntable none\n').ok).toBe(false)
  expect(parseProbeAnswers('oops\n').ok).toBe(false)
})
