import { expect, it } from 'vitest'
import { hexRows } from './hex-rows.ts'

it('cuts bytes into rows and marks what another blob has not', () => {
  const [first, second, ...more] = hexRows('6b686f2d7634001b41'.padEnd(34, '0') + '7f', `6b686f2d7633${'00'.repeat(10)}`)
  expect(first?.text).toBe('kho-v4..A.......')
  expect(first?.differs.flatMap((differs, index) => (differs ? [index] : []))).toEqual([5, 7, 8])
  expect([second?.offset, second?.bytes, second?.differs, more]).toEqual([16, ['00', '7f'], [true, true], []])
})

it('draws a bounded number of rows', () => expect(hexRows('00'.repeat(65536))).toHaveLength(1024))
