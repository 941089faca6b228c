import { expect, it } from 'vitest'
import { createRandom } from './random.ts'

it('is the generator that it says it is', () => {
  const random = createRandom(0)
  // The ninth number and the next two, by whole-number arithmetic.
  let state = 1n
  const expected = Array.from({ length: 11 }, () => (state = (state * 48271n) % 2147483647n)).slice(8)
  expect([0, 0, 0].map(() => random.below(1e9))).toEqual(expected.map((each) => Math.floor((Number(each) / 2147483647) * 1e9)))
})
