import { expect, it } from 'vitest'
import { allocate } from './allocate.ts'
import { release } from './buddy.ts'
import { allocContigRange, allocGigantic } from './contig.ts'
import { freeByOrder, longestRun } from './info.ts'
import { MIGRATE, type Mobility } from './migratetype.ts'
import { pinLongTerm } from './migrate.ts'
import { freshPages, movableOf, normalOf, twoNodes } from './pages.fixture.ts'
import { createPages, isPinned, NONE, setPinned, USE, ZONE, ZONES_PER_NODE, zoneOf, type Pages } from './pages.ts'
import { placeRange, setWatermarks } from './populate.ts'

/** Allocates until nothing is left; answers the frames. */
function exhaust(pages: Pages, order: number, type: Mobility): number[] {
  const frames: number[] = []
  for (
    let frame = allocate(pages, order, type, normalOf(pages));
    frame !== NONE;
    frame = allocate(pages, order, type, normalOf(pages))
  )
    frames.push(frame)
  return frames
}

it('splits the lowest block of fresh memory and merges it whole again', () => {
  const pages = freshPages(2048)
  expect(allocate(pages, 0, MIGRATE.movable, normalOf(pages))).toBe(0)
  expect(freeByOrder(pages)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
  release(pages, 0)
  expect(freeByOrder(pages)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
})

it('claims a whole max-order block for the first unmovable page, so that the next ones come from there', () => {
  const pages = freshPages(4096)
  const frames = [0, 1, 2].map(() => allocate(pages, 0, MIGRATE.unmovable, normalOf(pages)))
  expect([frames, [...pages.blockType], pages.work.claimed]).toEqual([[0, 1, 2], [0, 0, 1, 1, 1, 1, 1, 1], 1])
})

it('takes reclaimable before unmovable for movable, and claims the pageblock', () => {
  const pages = freshPages(2048)
  allocate(pages, 0, MIGRATE.unmovable, normalOf(pages))
  allocate(pages, 0, MIGRATE.reclaimable, normalOf(pages))
  expect([allocate(pages, 0, MIGRATE.movable, normalOf(pages)), [...pages.blockType]]).toEqual([1536, [0, 0, 2, 1]])
})

it('steals single pages for movable where all that is free is small, and leaves the pageblock its type', () => {
  const pages = freshPages(1024)
  exhaust(pages, 0, MIGRATE.unmovable)
  for (const frame of [0, 100, 200]) release(pages, frame)
  const frame = allocate(pages, 0, MIGRATE.movable, normalOf(pages))
  expect([[0, 100, 200].includes(frame), [...pages.blockType], pages.work.stolen]).toEqual([true, [0, 0], 1])
})

it('gives CMA to movable allocations alone, and to them first while over half of what is free lies there', () => {
  const pages = freshPages(4096, { cma: 3072 })
  expect(allocate(pages, 0, MIGRATE.movable, normalOf(pages))).toBe(1024)
  expect(exhaust(pages, 10, MIGRATE.unmovable)).toEqual([0])
})

it('does not fragment Normal while DMA32 can help', () => {
  const pages = twoNodes(65_536)
  const normal = [ZONE.normal]
  while (pages.zoneFree[ZONE.normal] !== 1024 - 512 && allocate(pages, 9, MIGRATE.movable, normal) !== NONE) continue
  allocate(pages, 0, MIGRATE.movable, normal)
  const frame = allocate(pages, 0, MIGRATE.unmovable, normalOf(pages))
  expect(zoneOf(pages, frame)).toBe(ZONE.dma32)
})

it('fragments its own node before it takes memory of another', () => {
  const pages = twoNodes(65_536)
  for (const zone of [ZONE.dma32, ZONE.normal]) {
    const frames: number[] = []
    for (let frame = 0; frame !== NONE; frames.push(frame)) frame = allocate(pages, 3, MIGRATE.movable, [zone])
    // Every second one free again: no whole pageblock is left to claim.
    for (const [index, frame] of frames.entries()) if (index % 2 === 0 && frame !== NONE) release(pages, frame)
  }
  const frame = allocate(pages, 0, MIGRATE.unmovable, normalOf(pages))
  expect([zoneOf(pages, frame) < ZONES_PER_NODE, pages.work.claimed + pages.work.stolen > 0]).toEqual([true, true])
})

it('keeps a part of the lower zones from those who could have taken a higher one', () => {
  const pages = createPages(65_536, 1)
  placeRange(pages, { start: 0, end: 16_384 }, ZONE.dma32, MIGRATE.movable)
  placeRange(pages, { start: 16_384, end: 32_768 }, ZONE.normal, MIGRATE.movable)
  placeRange(pages, { start: 32_768, end: 65_536 }, ZONE.movable, MIGRATE.movable)
  setWatermarks(pages)
  const reserved = (marks: Int32Array, zone: number): number => (marks[zone] ?? 0) - Math.floor(32_768 / 20 / 2)
  expect(
    [ZONE.dma32, ZONE.normal].map((zone) => [pages.watermark, pages.movableWatermark].map((marks) => reserved(marks, zone))),
  ).toEqual([
    [16_384 / 256, 49_152 / 256],
    [0, 32_768 / 32],
  ])
})

it('empties a range for a contiguous allocation, and the id of what moved leads to its new place', () => {
  const pages = freshPages(4096)
  const id = pages.folios.add(NONE)
  pages.folios.move(id, allocate(pages, 3, MIGRATE.movable, normalOf(pages), id))
  expect(allocContigRange(pages, { start: 0, end: 1024 }, normalOf(pages), USE.unmovable)).toBeUndefined()
  expect([pages.folios.frame(id) >= 1024, pages.work.migratedFrames]).toEqual([true, 8])
})

it('says which block keeps a range from being emptied', () => {
  const pages = freshPages(4096)
  const [movable, slab] = [
    allocate(pages, 0, MIGRATE.movable, normalOf(pages)),
    allocate(pages, 0, MIGRATE.unmovable, normalOf(pages)),
  ]
  setPinned(pages, movable, true)
  const tries = [
    { start: 0, end: 512 },
    { start: 0, end: 4096 },
  ].map((range) => allocContigRange(pages, range, normalOf(pages), USE.unmovable))
  expect([movable, slab, tries]).toEqual([
    0,
    1024,
    [
      { reason: 'pinned', frame: 0 },
      { reason: 'unmovable', frame: 1024 },
    ],
  ])
})

it('has no room to move to in a full machine', () => {
  const pages = freshPages(2048)
  exhaust(pages, 0, MIGRATE.movable)
  expect(allocContigRange(pages, { start: 0, end: 512 }, normalOf(pages), USE.unmovable)).toEqual({
    reason: 'no-memory',
    frame: 0,
  })
})

it('migrates out of CMA and ZONE_MOVABLE what is pinned for long', () => {
  const pages = freshPages(8192, { movable: 2048, cma: 1024 })
  const frame = allocate(pages, 0, MIGRATE.movable, movableOf(pages))
  const pinned = pinLongTerm(pages, frame, normalOf(pages))
  expect([
    zoneOf(pages, frame),
    typeof pinned === 'number' && zoneOf(pages, pinned),
    isPinned(pages, typeof pinned === 'number' ? pinned : 0),
  ]).toEqual([ZONE.movable, ZONE.normal, true])
})

it('finds a gigantic folio beside what cannot move', () => {
  const pages = freshPages(8192)
  allocate(pages, 0, MIGRATE.unmovable, normalOf(pages))
  const frame = allocGigantic(pages, 12, USE.movable, normalOf(pages), normalOf(pages))
  expect([frame, longestRun(pages, 0, 8192, () => true)]).toEqual([4096, { start: 1, frames: 4095 }])
})
