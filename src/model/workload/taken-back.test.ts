import { expect, it } from 'vitest'
import { takenBackSpans } from './taken-back.ts'

const range = (start: string, end: string) => ({ start, end })
const memory = {
  address: '0x1000',
  sets: [
    {
      name: 'folios',
      listPages: [range('0x5000', '0x7000')],
      areaChunks: [],
      pages: [range('0x100000', '0x104000'), range('0x200000', '0x201000')],
    },
    {
      name: 'area',
      listPages: [range('0x3000', '0x5000')],
      areaChunks: [range('0x2000', '0x3000')],
      pages: [range('0x8000', '0xa000')],
    },
  ],
}
const pages = (restored: readonly string[]): number =>
  takenBackSpans(memory, restored).reduce((sum, { start, end }) => sum + (end - start) / 4096, 0)

it('takes the table and every list back, and the rest with each restore', () => {
  expect(pages([])).toBe(1 + 2 + 2)
  expect(pages(['folios'])).toBe(1 + 2 + 2 + 5)
  expect(pages(['area'])).toBe(1 + 2 + 2 + 2 + 1)
})
