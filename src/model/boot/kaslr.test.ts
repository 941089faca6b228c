import { describe, expect, it } from 'vitest'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { GiB } from '../../shared/units.ts'
import buildFacts from './fixtures/build-facts.json' with { type: 'json' }
import { tcgProcessor } from './first-boot.ts'
import { entryAreaTables, isRandom, randomnessOf } from './kaslr.ts'

const build = KernelBuildFacts.parse(buildFacts)
const area = build.numbers.sizeofCpuEntryArea
const five = tcgProcessor('')
const four = tcgProcessor('no5lvl')

describe('page tables of CPU entry areas', () => {
  const tables = (places: readonly number[]): number => entryAreaTables(places, build.numbers, five)
  const perGiB = Math.floor(GiB / area)

  it('are shared by areas in the same 2 MiB and the same GiB', () => {
    expect([tables([0]), tables([0, 1]), tables([0, 4 * perGiB])]).toEqual([3, 3, 5])
  })

  it('are two more for an area that straddles a GiB', () => {
    expect([tables([perGiB - 1]), tables([perGiB])]).toEqual([3, 5])
  })

  it('are more where the debug store of an Intel processor is mapped', () => {
    const places = Array.from({ length: 64 }, (_unused, place) => place)
    const amd = places.map((place) => tables([place]))
    const intel = places.map((place) => entryAreaTables([place], build.numbers, { ...five, intel: true }))
    expect(intel.some((count, place) => count > (amd[place] ?? 0))).toBe(true)
  })
})

describe('what KASLR draws', () => {
  const drawn = { pageOffsetBase: '0xff2f8dd000000000', vmemmapBase: '0xffff123400000000', entryAreas: [5] }

  it('counts as far as it decides which tables there are', () => {
    expect(randomnessOf(drawn, build, five)).toEqual({
      directMap: 0x8dd000000000,
      vmemmapBase: 0xffff123400000000n,
      entryAreaPages: 3,
    })
    expect(randomnessOf(drawn, build, four).directMap).toBe(0x5000000000)
  })

  it('is nothing with nokaslr or without CONFIG_RANDOMIZE_BASE', () => {
    expect([
      isRandom({ build, cmdline: 'kho=on' }),
      isRandom({ build, cmdline: 'kho=on nokaslr' }),
      isRandom({ build: { ...build, options: [] }, cmdline: '' }),
    ]).toEqual([true, false, false])
  })
})
