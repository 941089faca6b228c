import fc from 'fast-check'
import { expect, it } from 'vitest'
import { allocate } from './allocate.ts'
import { blockOrder, release } from './buddy.ts'
import { checkPages } from './check.ts'
import { compactZone } from './compact.ts'
import { allocContigRange, allocGigantic } from './contig.ts'
import { framesOf, PAGEBLOCK_FRAMES } from './frame-bits.ts'
import { MIGRATE, type Mobility } from './migratetype.ts'
import { migrate, pinLongTerm } from './migrate.ts'
import { NONE, USE, USED, ZONE, type Pages } from './pages.ts'
import { freshPages, movableOf, normalOf, twoNodes } from './pages.fixture.ts'
import { rezone } from './populate.ts'

const FRAMES = 8192

interface World {
  readonly pages: Pages
  readonly ids: number[]
  /** Frames taken as a range, by their piece's head. */
  readonly ranges: number[]
}

type Step = (world: World) => void

/** Every id has its order and stays at least as large; a stamp per id would be overwritten if two blocks shared a frame. */
const pick = <T>(list: readonly T[], at: number): T | undefined => (list.length === 0 ? undefined : list[at % list.length])

const alloc =
  (order: number, type: Mobility): Step =>
  ({ pages, ids }) => {
    const id = pages.folios.add(NONE)
    const frame = allocate(pages, order, type, type === MIGRATE.movable ? movableOf(pages) : normalOf(pages), id)
    if (frame === NONE) {
      pages.folios.remove(id)
      return
    }
    pages.folios.move(id, frame)
    ids.push(id)
  }

const free =
  (at: number): Step =>
  ({ pages, ids }) => {
    const id = pick(ids, at)
    if (id === undefined) return
    release(pages, pages.folios.frame(id))
    pages.folios.remove(id)
    ids.splice(ids.indexOf(id), 1)
  }

const onFolio =
  (at: number, act: (pages: Pages, frame: number) => void): Step =>
  ({ pages, ids }) => {
    const id = pick(ids, at)
    if (id !== undefined) act(pages, pages.folios.frame(id))
  }

const contig =
  (block: number, blocks: number, keep: boolean): Step =>
  ({ pages, ranges }) => {
    const start = (block * PAGEBLOCK_FRAMES) % FRAMES
    const end = Math.min(FRAMES, start + blocks * PAGEBLOCK_FRAMES)
    if (allocContigRange(pages, { start, end }, movableOf(pages), USE.unmovable) !== undefined) return
    for (let at = start; at < end; at += framesOf(blockOrder(pages, at))) ranges.push(at)
    if (!keep) for (const piece of ranges.splice(0)) release(pages, piece)
  }

const gigantic: Step = ({ pages, ids }) => {
  const id = pages.folios.add(NONE)
  const frame = allocGigantic(pages, 11, USE.movable, normalOf(pages), movableOf(pages), id)
  pages.folios.move(id, frame)
  if (frame === NONE) pages.folios.remove(id)
  else ids.push(id)
}

const mobility = fc.constantFrom<Mobility>(MIGRATE.unmovable, MIGRATE.movable, MIGRATE.reclaimable)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 0, max: 10 }), mobility).map(([order, type]) => alloc(order, type)) },
  { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 0, max: 2 }), mobility).map(([order, type]) => alloc(order, type)) },
  { weight: 8, arbitrary: fc.nat(1000).map(free) },
  { weight: 2, arbitrary: fc.nat(1000).map((at) => onFolio(at, (pages, frame) => void migrate(pages, frame, movableOf(pages)))) },
  {
    weight: 2,
    arbitrary: fc.nat(1000).map((at) => onFolio(at, (pages, frame) => void pinLongTerm(pages, frame, normalOf(pages)))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(15), fc.integer({ min: 1, max: 6 }), fc.boolean())
      .map(([block, blocks, keep]) => contig(block, blocks, keep)),
  },
  { weight: 1, arbitrary: fc.constant(gigantic) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 10 }).map(
      (order): Step =>
        ({ pages }) =>
          void compactZone(pages, ZONE.normal, order),
    ),
  },
)
const rezoneStep: fc.Arbitrary<Step> = fc.tuple(fc.nat(7), fc.boolean()).map(([block, toMovable]): Step => ({ pages }) => {
  rezone(pages, { start: block * 1024, end: (block + 1) * 1024 }, toMovable ? ZONE.movable : ZONE.normal, MIGRATE.movable)
})

function holdsAfterEveryStep(start: () => Pages, steps: fc.Arbitrary<Step>): void {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 120 }), (list) => {
      const world: World = { pages: start(), ids: [], ranges: [] }
      const whole = checkPages(world.pages)
      expect(whole).toBeUndefined()
      for (const act of list) {
        act(world)
        expect(checkPages(world.pages)).toBeUndefined()
      }
      giveBackAll(world)
    }),
    { numRuns: 60 },
  )
}

/** When all is given back, memory is again what it was: nothing leaked and everything merged. */
function giveBackAll({ pages, ids, ranges }: World): void {
  for (const id of ids) release(pages, pages.folios.frame(id))
  ids.forEach((id) => {
    pages.folios.remove(id)
  })
  for (const piece of ranges) release(pages, piece)
  expect(checkPages(pages)).toBeUndefined()
  expect([pages.state.some((state) => state >= USED), pages.folios.count()]).toEqual([false, 0])
}

it('keeps its invariants after every step, with CMA and ZONE_MOVABLE', { timeout: 60_000 }, () => {
  holdsAfterEveryStep(() => freshPages(FRAMES, { movable: 2048, cma: 1024 }), step)
})

it('keeps its invariants after every step, on two nodes with watermarks', { timeout: 60_000 }, () => {
  holdsAfterEveryStep(() => twoNodes(FRAMES), step)
})

it('keeps its invariants when memory changes its zone under those who use it', { timeout: 60_000 }, () => {
  holdsAfterEveryStep(() => freshPages(FRAMES), fc.oneof({ weight: 5, arbitrary: step }, { weight: 1, arbitrary: rezoneStep }))
})
