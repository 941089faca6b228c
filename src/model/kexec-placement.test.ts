import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GiB, MiB, PAGE_SIZE, hex, roundDown, roundUp } from '../shared/units.ts'
import {
  bootParamsSize,
  placeSegments,
  segmentRequests,
  type Region,
  type Segment,
  type SegmentRequest,
} from './kexec-placement.ts'

const shown = (segments: readonly Segment[]): string[] =>
  segments.map(({ name, start, memsz }) => `${name} ${hex(start)} ${hex(memsz)}`)

describe('placeSegments on what guests printed under KEXEC_FILE_DEBUG', () => {
  const load = (overrides: Partial<Parameters<typeof segmentRequests>[0]>): readonly SegmentRequest[] =>
    segmentRequests({
      scratchCount: 3,
      purgatorySize: 0x5000,
      cmdlineLength: 122,
      kernel: { initSize: 0xf2d000, prefAddress: 0x1000000, kernelAlignment: 0x200000 },
      initrdSize: 0x6ab600,
      ...overrides,
    })

  it('1 GiB q35, default scratch', () => {
    const placed = placeSegments(load({}), [
      { start: 0x37000000, size: 0x6800000 },
      { start: 0x3f800000, size: 0 },
      { start: 0x32800000, size: 0x4800000 },
    ])
    expect(placed.ok && shown(placed.value)).toEqual([
      'scratch array 0x3d7f0000 0x1000',
      'purgatory 0x3d7fb000 0x5000',
      'boot params 0x3d7f9000 0x2000',
      'kernel 0x3c800000 0xf2d000',
      'initrd 0x3c154000 0x6ac000',
    ])
  })

  it('1 GiB q35 with a smaller kernel and initrd', () => {
    const requests = load({
      kernel: { initSize: 0xcbb000, prefAddress: 0x1000000, kernelAlignment: 0x200000 },
      initrdSize: 0x34b000,
    })
    const placed = placeSegments(requests, [{ start: 0x3a400000, size: 0x4400000 }])
    expect(placed.ok && shown(placed.value)).toEqual([
      'scratch array 0x3e7f0000 0x1000',
      'purgatory 0x3e7fb000 0x5000',
      'boot params 0x3e7f9000 0x2000',
      'kernel 0x3da00000 0xcbb000',
      'initrd 0x3d6b5000 0x34b000',
    ])
  })

  it('makes boot params as large as the kernel said', () => {
    expect(hex(bootParamsSize(122))).toBe('0x1170')
  })

  it('says which segment found no room', () => {
    expect(placeSegments(load({}), [{ start: 0x30000000, size: 4 * MiB }])).toEqual({
      ok: false,
      error: 'no scratch region has room for the kernel (15912960 bytes): kexec_file_load fails with EADDRNOTAVAIL',
    })
  })

  it('never uses what lies below the preferred address of the kernel', () => {
    const requests = load({ initrdSize: 0 })
    const regions = [
      { start: 8 * MiB, size: 20 * MiB },
      { start: 256 * MiB, size: 64 * MiB },
    ]
    const placed = placeSegments(requests, regions)
    expect(placed.ok && placed.value.at(-1)?.start).toBe(roundDown(320 * MiB - 0xf2d000, 2 * MiB))
  })
})

/** The kernel's own loop, one page at a time: the oracle for the jumps of the model. */
function byStepping(
  requests: readonly SegmentRequest[],
  regions: readonly Region[],
): { start: number; memsz: number }[] | undefined {
  const placed: { start: number; memsz: number }[] = []
  for (const request of requests) {
    const memsz = roundUp(request.memsz, PAGE_SIZE)
    const align = Math.max(request.align, PAGE_SIZE)
    const hole = regions.map((region) => stepDown(region, memsz, align, request.min, placed)).find((start) => start !== undefined)
    if (hole === undefined) return undefined
    placed.push({ start: hole, memsz })
  }
  return placed
}

function stepDown(
  region: Region,
  memsz: number,
  align: number,
  min: number,
  placed: { start: number; memsz: number }[],
): number | undefined {
  const end = region.start + region.size - 1
  if (region.size < memsz || end < min) return undefined
  let start = end - memsz + 1
  for (;;) {
    start = roundDown(start, align)
    if (start < region.start || start < min) return undefined
    const last = start + memsz - 1
    const conflict = placed.some((segment) => last >= segment.start && start <= segment.start + segment.memsz - 1)
    if (!conflict) return start
    start -= PAGE_SIZE
  }
}

const someRegions = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 8 })), { minLength: 1, maxLength: 6 })
  .map((list) => {
    let end = GiB
    return list.map(([gap, size]) => {
      const region = { start: end + gap * 4 * MiB, size: size * 4 * MiB }
      end = region.start + region.size
      return region
    })
  })
const shuffled = someRegions.chain((regions) =>
  fc.shuffledSubarray(regions, { minLength: regions.length, maxLength: regions.length }),
)
const someRequests = fc
  .array(
    fc.record({
      memsz: fc.integer({ min: 1, max: 20 * MiB }),
      align: fc.constantFrom(16, PAGE_SIZE, 64 * 1024, 2 * MiB, 16 * MiB),
      min: fc.constantFrom(0, 0x3000, 16 * MiB, GiB + 60 * MiB),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) => list.map((request) => ({ ...request, name: 'kernel' as const })))

describe('placeSegments', () => {
  it("finds what the kernel's page-wise search finds", () => {
    fc.assert(
      fc.property(someRequests, shuffled, (requests, regions) => {
        const placed = placeSegments(requests, regions)
        expect(placed.ok ? placed.value.map(({ start, memsz }) => ({ start, memsz })) : undefined).toEqual(
          byStepping(requests, regions),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('places every segment inside one region, aligned and apart from the others', () => {
    fc.assert(
      fc.property(someRequests, shuffled, (requests, regions) => {
        const placed = placeSegments(requests, regions)
        if (!placed.ok) return
        placed.value.forEach((segment, index) => {
          const end = segment.start + segment.memsz
          expect(regions.some((region) => segment.start >= region.start && end <= region.start + region.size)).toBe(true)
          expect(segment.start % Math.max(requests[index]?.align ?? 1, PAGE_SIZE)).toBe(0)
          expect(segment.start).toBeGreaterThanOrEqual(requests[index]?.min ?? 0)
          expect(
            placed.value.slice(0, index).every((other) => end <= other.start || segment.start >= other.start + other.memsz),
          ).toBe(true)
        })
      }),
    )
  })
})
