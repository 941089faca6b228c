import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hex } from '../shared/units.ts'
import { eachRecordIn, entryBytes, joinNeighbours, listOfRecords, recordsIn } from './record-list.ts'
import { slotList } from './slot-list.ts'

it('joins neighbours of one order, and nothing else', () => {
  const records = [
    { start: 0x1000, order: 0 },
    { start: 0x2000, order: 1 },
    { start: 0x4000, order: 0 },
    { start: 0x5000, order: 0 },
    { start: 0x6000, order: 1 },
  ]
  expect(joinNeighbours(records)).toEqual([
    { start: 0x1000, order: 0 },
    { start: 0x2000, order: 1 },
    { start: 0x4000, order: 0, count: 2 },
    { start: 0x6000, order: 1 },
  ])
})

it('loses no record by joining', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 })), (pages) => {
      const records = pages.sort((a, b) => a - b).map((page) => ({ start: page * 4096, order: 0 }))
      const joined = joinNeighbours(records).map(({ start, ...record }) => ({ start: hex(start), ...record }))
      expect([...eachRecordIn(joined)]).toEqual(records)
      expect(recordsIn(joined)).toBe(records.length)
      expect(joined.reduce((sum, record) => sum + entryBytes(record), 0)).toBe(records.length * 4096)
    }),
    { seed: 4 },
  )
})

it('lists few records one by one, many joined, and scattered ones not at all', () => {
  const pages = (count: number, apart: number) =>
    Array.from({ length: count }, (_unused, index) => ({ start: (index + 1) * apart * 4096, order: 0 }))
  expect(listOfRecords(pages(4096, 1), 4096)).toHaveLength(4096)
  expect(listOfRecords(pages(4097, 1), 4097)).toEqual([{ start: 0x1000, order: 0, count: 4097 }])
  expect(listOfRecords(pages(4097, 2), 4097)).toEqual([])
})

it('writes many slots as the kernel prints a bitmap', () => {
  expect(slotList([1, 5])).toEqual([1, 5])
  expect(slotList(Array.from({ length: 1000 }, (_unused, slot) => (slot < 998 ? slot : slot * 2)))).toBe('0-997,1996,1998')
})
