import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatRoute, parseRoute, RUN_TABS, type Route } from './route.ts'

const name = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text.isWellFormed())
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.constant<Route>({ view: 'machine' }),
  fc.constant<Route>({ view: 'home' }),
  name.map((id): Route => ({ view: 'experiment', id })),
  fc.record({ id: name, tab: fc.constantFrom(...RUN_TABS), claim: name }).map((part): Route => ({ view: 'run', ...part })),
)

it('reads what it wrote', () => {
  fc.assert(
    fc.property(route, (value) => {
      expect(parseRoute(formatRoute(value))).toEqual(value)
    }),
  )
})

it.each(['', '#', '#/', '#/nonsense/x', '#/run/', '#/run/%/claims/%zz'])('makes a route of anything: %j', (hash) => {
  expect(parseRoute(hash)).toBeDefined()
})
