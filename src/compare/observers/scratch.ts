import { z } from 'zod'
import { Hex, Range, type GuestView, type HostView, type ScratchRegion } from '../../shared/documents/index.ts'
import { fromHex } from '../../shared/units.ts'
import {
  from,
  guest,
  hasValue,
  host,
  never,
  unobserved,
  value,
  type Look,
  type Observer,
  type ObserversOf,
  type Seen,
} from '../side.ts'
import { scratchRanges } from './scratch-ranges.ts'

type Regions = readonly ScratchRegion[]

/** debugfs out/scratch_phys and out/scratch_len, line by line. */
function guestRegions(view: GuestView): Look<Regions> {
  return from(view.scratchPhys, 'out/scratch_phys', (starts) =>
    from(view.scratchLen, 'out/scratch_len', (sizes) => {
      if (starts.length !== sizes.length) {
        return unobserved(`out/scratch_phys has ${starts.length} lines and out/scratch_len ${sizes.length}`)
      }
      return value(starts.map((start, index) => ({ start, size: sizes[index] ?? '0x0' })))
    }),
  )
}

const hostRegions = (view: HostView): Look<Regions> =>
  from(view.scratchArray, 'struct kho_scratch[] in RAM', (array) =>
    value(array.regions.map(({ start, size }) => ({ start, size }))),
  )

/** Both sides show the same array, so both answer every question about it in the same way. */
const onRegions = <T>(answer: (regions: Regions, seen: Seen) => Look<T>): Observer<T> => {
  const ask = (regions: Look<Regions>, seen: Seen): Look<T> => (hasValue(regions) ? answer(regions.value, seen) : regions)
  return { guest: guest((view, seen) => ask(guestRegions(view), seen)), host: host((view, seen) => ask(hostRegions(view), seen)) }
}

const Places = z.array(z.strictObject({ kind: z.string(), within: z.array(Range) }))
const Alignment = z.object({ align: Hex })

export const scratchObservers: ObserversOf<
  | 'scratch.count'
  | 'scratch.order'
  | 'scratch.alignment'
  | 'scratch.sizes'
  | 'scratch.addresses'
  | 'scratch.unchanged'
  | 'scratch.extended'
> = {
  'scratch.count': onRegions((regions) => value(regions.length)),
  'scratch.order': onRegions((regions, seen) => {
    const places = Places.safeParse(seen.claim.predicted)
    return places.success
      ? value(regions.map((region, index) => placeOf(region, places.data[index])))
      : unobserved('the prediction does not say where the regions must lie')
  }),
  'scratch.alignment': onRegions((regions, seen) => {
    const asked = Alignment.safeParse(seen.claim.predicted)
    if (!asked.success) return unobserved('the prediction does not say which alignment is asked for')
    const align = fromHex(asked.data.align)
    const aligned = (text: string): boolean => fromHex(text) % align === 0
    return value({ align: asked.data.align, misaligned: regions.filter(({ start, size }) => !aligned(start) || !aligned(size)) })
  }),
  'scratch.sizes': onRegions((regions) => value(regions.map((region) => region.size))),
  'scratch.addresses': onRegions((regions) => value(regions.map((region) => region.start))),
  'scratch.unchanged': onRegions((regions) => value(regions)),
  'scratch.extended': {
    guest: guest((view, { claim }) => {
      const asked = z.array(Range).safeParse(claim.predicted)
      if (!asked.success) return unobserved('the prediction does not say which memory is scratch')
      const regions = guestRegions(view)
      if (!hasValue(regions)) return regions
      return from(view.memory?.nodeRanges, 'the kernel log', (ranges) => value(scratchRanges(ranges, regions.value, asked.data)))
    }),
    host: never("memblock is the guest's own and gone once the page allocator runs"),
  },
}

/** The place that was asked for when the region is in it; a region that does not exist (size 0) is nowhere else. */
function placeOf(region: ScratchRegion, place: z.infer<typeof Places>[number] | undefined): z.infer<typeof Places>[number] {
  const start = fromHex(region.start)
  const end = start + fromHex(region.size)
  const inside = place?.within.some((range) => start >= fromHex(range.start) && end <= fromHex(range.end)) ?? false
  if (place !== undefined && (inside || start === end)) return place
  return { kind: 'outside', within: [{ start: region.start, end: `0x${end.toString(16)}` }] }
}
