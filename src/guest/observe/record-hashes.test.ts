import { expect, it } from 'vitest'
import type { ProbeTableView } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { hex, physAddr } from '../../shared/units.ts'
import { hashRecords, hashUnits } from './record-hashes.ts'

const bytes = new Uint8Array(64 * 4096).map((_zero, index) => (index * 31 + (index >> 12)) & 0xff)
const memory = {
  ranges: [{ start: 0, end: bytes.length }],
  read: (address: number, length: number) =>
    address + length <= bytes.length ? bytes.subarray(address, address + length) : undefined,
}
const page = (number: number): string => hex(number * 4096)
const digests = (records: Parameters<typeof hashRecords>[1]): unknown => hashRecords(memory, records)

it('gives equal pages equal digests, and notices one bit', () => {
  const record = { start: page(3), order: 1 }
  const before = digests([record])
  expect(digests([record])).toEqual(before)
  bytes[3 * 4096 + 5000] = (bytes[3 * 4096 + 5000] ?? 0) ^ 0x10
  expect(digests([record])).not.toEqual(before)
})

it('reads nothing outside RAM', () => {
  expect(digests([{ start: page(60), order: 0, count: 5 }])).toEqual({
    ok: false,
    reason: 'the record 0x3c000 of order 0 is not inside RAM',
  })
})

it('keeps pages that are not khoprobe’s own by themselves', () => {
  const set: ProbeTableView['sets'][number] = {
    name: 'many',
    kind: 'folio',
    entries: 4,
    pages: 4,
    hash: '0x1',
    records: [{ start: page(10), order: 0, count: 4 }],
    listPages: [{ start: page(16), end: page(18) }],
    areaChunks: [],
    areaOrder: 0,
  }
  const owners = { table: { address: page(9), sets: [set] }, structures: [] }
  const units = hashUnits(memory, [{ start: page(9), order: 0, count: 10 }], owners)
  expect(units.ok && units.value).toEqual([
    { start: page(9), order: 0 },
    { start: page(10), order: 0, count: 4 },
    { start: page(14), order: 0 },
    { start: page(15), order: 0 },
    { start: page(16), order: 0, count: 2 },
    { start: page(18), order: 0 },
  ])
})

it('gives long runs of nobody known one digest, but keeps what a kernel fills or frees on the way by itself', () => {
  const large = new Uint8Array(200 * 4096).fill(1)
  large.fill(0, 100 * 4096, 101 * 4096)
  const ram: PhysMemory = {
    ranges: [{ start: 0, end: large.length }],
    read: (address, length) => large.subarray(address, address + length),
  }
  const owners = { table: undefined, structures: [physAddr(120 * 4096)] }
  const units = hashUnits(
    ram,
    [
      { start: page(40), order: 0, count: 100 },
      { start: page(150), order: 3 },
    ],
    owners,
  )
  expect(units).toEqual({
    ok: true,
    value: [
      { start: page(40), order: 0, count: 60 },
      { start: page(100), order: 0 },
      { start: page(101), order: 0, count: 19 },
      { start: page(120), order: 0 },
      { start: page(121), order: 0, count: 19 },
      { start: page(150), order: 3 },
    ],
  })
})
