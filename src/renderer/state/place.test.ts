import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatPlace, parsePlace } from './place.ts'

it('says in the address what is selected, and reads it back', () => {
  const word = fc.string({ minLength: 1, maxLength: 8 }).map((text) => `${text}é\u202e&=#%+ `)
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
  fc.assert(
    fc.property(
      fc.record({
        view: fc.constantFrom('lab', 'map', 'claims'),
        run: maybe(word),
        hop: maybe(fc.nat(50)),
        at: maybe(fc.integer({ min: 0, max: 2 ** 52 - 1 })),
        claim: maybe(word),
        item: maybe(word),
      }),
      (place) => {
        expect(parsePlace(formatPlace(place))).toEqual(place)
      },
    ),
    { numRuns: 40 },
  )
})

it('takes nothing that it does not know from an address that somebody typed', () => {
  expect(parsePlace('#/map?run=%ZZ&hop=-1&at=javascript:1&claim=<b>')).toEqual({
    view: 'map',
    run: '%ZZ',
    hop: undefined,
    at: undefined,
    claim: '<b>',
    item: undefined,
  })
  expect(parsePlace('')).toMatchObject({ view: '' })
})
