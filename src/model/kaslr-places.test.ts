import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../shared/units.ts'
import { possiblePlaces } from './kaslr-places.ts'

const choice = {
  areas: [
    { start: 0, end: 640 * 1024 },
    { start: MiB, end: GiB },
  ],
  output: 16 * MiB,
  initSize: 15 * MiB,
  imageSize: 14 * MiB,
  align: 2 * MiB,
  avoid: [{ start: 900 * MiB, end: 910 * MiB + 1 }],
}
const inMiB = (places: ReturnType<typeof possiblePlaces>) => places.map(({ start, end }) => [start / MiB, end / MiB])

describe('where KASLR may put the kernel', () => {
  it('is RAM from where it lies without, around what the loader brought', () => {
    expect(inMiB(possiblePlaces(choice))).toEqual([
      [16, 18],
      [32, 888],
      [912, 1012],
    ])
  })

  it('is no area that is too small, and nothing below 512 MiB for a kernel above', () => {
    const areas = [
      { start: 256 * MiB, end: 300 * MiB },
      { start: 600 * MiB, end: 613 * MiB },
      { start: 700 * MiB, end: 715 * MiB },
    ]
    expect(inMiB(possiblePlaces({ ...choice, areas, output: 2 * GiB, avoid: [] }))).toEqual([[700, 702]])
    expect(possiblePlaces({ ...choice, areas: [] })).toEqual([])
  })
})
