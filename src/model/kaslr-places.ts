import { roundUp } from '../shared/units.ts'
import type { Span } from './firmware-map.ts'

interface Choice {
  /** RAM of the firmware's map, or the scratch regions of a handover. */
  readonly areas: readonly Span[]
  /** Where the kernel would lie without KASLR, and the bytes that its compressed image needs there (init_size). */
  readonly output: number
  readonly initSize: number
  /** Bytes from _text to _end. The kernel may ask for more, for the decompressed file, but never for less. */
  readonly imageSize: number
  /** CONFIG_PHYSICAL_ALIGN */
  readonly align: number
  /** initrd, boot_params with command line and setup_data. */
  readonly avoid: readonly Span[]
}

const HIGHEST_MINIMUM = 512 * 2 ** 20

/**
 * Where choose_random_location() (arch/x86/boot/compressed/kaslr.c, 7.3) may put the kernel: ranges of multiples of `align`. Every
 * place that it can choose is in one; a few that it cannot are too, as the compressed image's own beginning and the borders of
 * nodes, which it heeds with CONFIG_MEMORY_HOTREMOVE, are not known here.
 */
export function possiblePlaces({ areas, output, initSize, imageSize, align, avoid }: Choice): readonly Span[] {
  const minimum = roundUp(Math.min(output, HIGHEST_MINIMUM), align)
  // Of the compressed image only the end is known: it is moved to the end of what it will need.
  const taken = [...avoid, { start: output + initSize - 1, end: output + initSize }]
  return areas.flatMap(({ start, end }) => placesIn({ start: Math.max(start, minimum), end }, taken, imageSize, align))
}

/** __process_mem_region() */
function placesIn(area: Span, taken: readonly Span[], imageSize: number, align: number): readonly Span[] {
  const places: Span[] = []
  for (let start = roundUp(area.start, align); start + imageSize <= area.end;) {
    const from = start
    const overlaps = taken.filter((other) => other.start < area.end && other.end > from).sort((a, b) => a.start - b.start)
    const [first] = overlaps
    const end = first?.start ?? area.end
    const count = Math.floor((end - from - imageSize) / align) + 1
    if (count > 0) places.push({ start: from, end: from + count * align })
    if (first === undefined) break
    start = roundUp(first.end, align)
  }
  return places
}
