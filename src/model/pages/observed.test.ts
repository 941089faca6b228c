import fc from 'fast-check'
import { expect, it } from 'vitest'
import { allocate } from './allocate.ts'
import { release } from './buddy.ts'
import { checkPages } from './check.ts'
import { MIGRATE, type Mobility } from './migratetype.ts'
import { blocksByType, freeByType, layOut, type ObservedZone } from './observed.ts'
import { createPages, NONE, USE, ZONE, type Pages } from './pages.ts'
import { freshPages, movableOf } from './pages.fixture.ts'
import { markUsed } from './buddy.ts'

const FRAMES = 16_384
const RANGE = { start: 0, end: FRAMES }

const observed = (pages: Pages): ObservedZone => ({
  zone: ZONE.normal,
  range: RANGE,
  unmanaged: 0,
  blocks: blocksByType(pages, ZONE.normal),
  free: freeByType(pages, ZONE.normal),
})

/** A machine that has run for a while. */
function worn(steps: readonly (readonly [number, Mobility, boolean])[]): Pages {
  const pages = freshPages(FRAMES, { cma: 2048 })
  const frames: number[] = []
  for (const [order, type, keep] of steps) {
    const frame = allocate(pages, order, type, movableOf(pages))
    if (frame !== NONE) frames.push(frame)
    const oldest = keep ? undefined : frames.splice(Math.floor(frames.length / 2), 1)[0]
    if (oldest !== undefined) release(pages, oldest)
  }
  return pages
}

const step = fc.tuple(
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom<Mobility>(MIGRATE.unmovable, MIGRATE.movable, MIGRATE.reclaimable),
  fc.boolean(),
)

it('has the pageblocks and free blocks of the machine that was observed, and every invariant', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const real = observed(worn(steps))
      const pages = createPages(FRAMES, 1)
      expect(layOut(pages, [real], { cma: [{ start: FRAMES - 2048, end: FRAMES }], folios: [] })).toEqual({
        ok: true,
        value: undefined,
      })
      expect(checkPages(pages)).toBeUndefined()
      expect(observed(pages)).toEqual(real)
    }),
    { numRuns: 60 },
  )
})

it('leaves room for folios whose place is known', () => {
  const real = { ...observed(worn([[0, MIGRATE.unmovable, true]])), free: observed(worn([[3, MIGRATE.movable, true]])).free }
  const folios = [
    { frame: 5000, order: 3 },
    { frame: 9000, order: 0 },
  ]
  const free = real.free.map((counts, type) =>
    counts.map((count, order) => (type === MIGRATE.movable && order === 10 ? count - 3 : count)),
  )
  const pages = createPages(FRAMES, 1)
  expect(layOut(pages, [{ ...real, free }], { cma: [{ start: FRAMES - 2048, end: FRAMES }], folios }).ok).toBe(true)
  for (const { frame, order } of folios) markUsed(pages, frame, order, USE.unmovable, NONE)
  expect([checkPages(pages), freeByType(pages, ZONE.normal)]).toEqual([undefined, free])
})

it('says what does not fit', () => {
  const fresh = observed(freshPages(FRAMES))
  const free = fresh.free.map((counts) => counts.map((count, order) => (order === 10 ? count * 2 : 0)))
  expect(layOut(createPages(FRAMES, 1), [{ ...fresh, free }], { cma: [], folios: [] })).toEqual({
    ok: false,
    error: 'zone 1: 32 free blocks of order 10 and type 1 have no place',
  })
})
