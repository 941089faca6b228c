import { expect, it } from 'vitest'
import type { ProbeTable } from './rules.ts'
import { takenBackSpans } from './taken-back.ts'

const set = { entries: 2, hash: '0x1', areaOrder: 0 }
const table: ProbeTable = {
  address: '0x1000',
  sets: [
    {
      ...set,
      name: 'folios',
      kind: 'folio',
      pages: 5,
      records: [
        { start: '0x100000', order: 2 },
        { start: '0x200000', order: 0 },
      ],
      listPages: [{ start: '0x5000', end: '0x7000' }],
      areaChunks: [],
    },
    {
      ...set,
      name: 'area',
      kind: 'vmalloc',
      pages: 2,
      records: [
        { start: '0x9000', order: 0 },
        { start: '0x8000', order: 0 },
      ],
      listPages: [{ start: '0x3000', end: '0x5000' }],
      areaChunks: [{ start: '0x2000', end: '0x3000' }],
    },
  ],
}
const pages = (restored: readonly string[]): number | string => {
  const spans = takenBackSpans(table, restored)
  return spans.ok ? spans.value.reduce((sum, { start, end }) => sum + (end - start) / 4096, 0) : spans.error
}

it('takes the table and every list back, and the rest with each restore', () => {
  expect(pages([])).toBe(1 + 2 + 2)
  expect(pages(['folios'])).toBe(1 + 2 + 2 + 5)
  expect(pages(['area'])).toBe(1 + 2 + 2 + 2 + 1)
})
