import { expect, it } from 'vitest'
import { scratchRanges } from './scratch-ranges.ts'

const range = (node: number, start: number, end: number) => ({
  node,
  start: `0x${start.toString(16)}`,
  end: `0x${end.toString(16)}`,
})
const region = { start: '0x3000', size: '0x1000' }

it('is told by the scratch regions, and by where ranges that touch are cut', () => {
  const ranges = [range(0, 0x1000, 0x2000), range(0, 0x2000, 0x5000), range(0, 0x5000, 0x6000), range(0, 0x6000, 0x9000)]
  expect(scratchRanges(ranges, [region], [])).toEqual([
    { start: '0x2000', end: '0x5000' },
    { start: '0x6000', end: '0x9000' },
  ])
})

it('does not follow the prediction where the log tells otherwise', () => {
  const ranges = [range(0, 0x1000, 0x2000), range(0, 0x2000, 0x5000)]
  expect(scratchRanges(ranges, [region], [{ start: '0x1000', end: '0x5000' }])).toEqual([{ start: '0x2000', end: '0x5000' }])
})

it('takes as predicted what stands alone: behind a hole, or on another node', () => {
  const ranges = [range(0, 0x1000, 0x2000), range(0, 0x3000, 0x5000), range(1, 0x5000, 0x8000)]
  expect(scratchRanges(ranges, [region], [{ start: '0x6000', end: '0x9000' }])).toEqual([
    { start: '0x3000', end: '0x5000' },
    { start: '0x6000', end: '0x8000' },
  ])
})

it('knows no scratch in regions of 0 bytes', () => {
  expect(scratchRanges([range(0, 0x1000, 0x5000)], [{ start: '0x3000', size: '0x0' }], [])).toEqual([])
})
