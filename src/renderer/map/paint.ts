import { MEMORY_KINDS, palette } from '../../shared/palette.ts'
import type { LaneIndex } from './lane-index.ts'
import type { MapWindow } from './map-window.ts'
import { sample } from './segments.ts'

/** A colour as canvas pixels have it: 0xAABBGGRR on the little-endian machines that browsers run on. */
export type Pixel = number

export interface Inks {
  /** By code: index in MEMORY_KINDS plus one; 0 is where nothing is. */
  readonly byCode: Uint32Array
  readonly nothing: Pixel
}

const DIFFERENCE = MEMORY_KINDS.indexOf('difference') + 1

export function inksOf(theme: 'light' | 'dark', nothing: string): Inks {
  const ground = pixelOf(nothing)
  return { byCode: Uint32Array.from([ground, ...MEMORY_KINDS.map((kind) => pixelOf(palette[kind][theme]))]), nothing: ground }
}

/** `#rrggbb`, or `#rgb` as a built style sheet shortens it. */
function pixelOf(colour: string): Pixel {
  const digits = colour.replace('#', '')
  const value = Number.parseInt(digits.length === 3 ? digits.replace(/./g, '$&$&') : digits, 16)
  const [red, green, blue] = [(value >> 16) & 255, (value >> 8) & 255, value & 255]
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

/** Share of a lane's height that each layer leaves free above and below it. */
const INSETS = [0, 0.16, 0.32] as const

/** Rows of pixels that a painted lane is made of: one for each layer, or eight whose stripes go on from one to the next. */
export const LANE_ROWS = 8

/** Rows of a lane, and how they are stretched to its height: `from` a row of the picture, `rows` of them, over `height` pixels. */
export interface Strip {
  readonly from: number
  readonly rows: number
  readonly top: number
  readonly height: number
}

/** Paints lanes as the few rows of pixels in which they differ; keeps its buffers from frame to frame. */
export class LanePainter {
  readonly #width: number
  readonly #codes: Uint8Array
  readonly #rows: readonly Uint32Array[]

  constructor(width: number) {
    this.#width = width
    this.#codes = new Uint8Array(width)
    this.#rows = INSETS.map(() => new Uint32Array(width))
  }

  /**
   * Writes a lane into {@link LANE_ROWS} rows of `pixels`, from row `first` on. Returns how to stretch them over `height` pixels
   * from `top` on.
   */
  paint(
    lane: Pick<LaneIndex, 'layers'>,
    window: MapWindow,
    inks: Inks,
    { pixels, first, top, height }: { pixels: Uint32Array; first: number; top: number; height: number },
  ): Strip[] {
    const perColumn = window.span / this.#width
    lane.layers.forEach((layer, depth) => {
      const row = this.#rows[depth]
      if (row === undefined) return
      sample(layer, window.start, perColumn, this.#codes)
      const below = this.#rows[depth - 1]
      for (let x = 0; x < this.#width; x++) {
        const code = this.#codes[x] ?? 0
        row[x] = code > 0 || below === undefined ? (inks.byCode[code] ?? inks.nothing) : (below[x] ?? inks.nothing)
      }
    })
    const ink = inks.byCode[DIFFERENCE]
    if (ink !== undefined && this.#rows[0]?.includes(ink) === true) return this.#hatch(pixels, first, inks, top, height)
    this.#rows.forEach((row, depth) => pixels.set(row, (first + depth) * this.#width))
    return layered(first, top, height)
  }

  /** Differences are striped, so that they can be told without seeing colours. */
  #hatch(pixels: Uint32Array, first: number, { byCode, nothing }: Inks, top: number, height: number): Strip[] {
    const ink = byCode[DIFFERENCE]
    const row = this.#rows[0] ?? new Uint32Array(this.#width)
    for (let phase = 0; phase < LANE_ROWS; phase++) {
      const out = (first + phase) * this.#width
      for (let x = 0; x < this.#width; x++) {
        const alone = row[x - 1] !== ink && row[x + 1] !== ink
        pixels[out + x] = row[x] === ink && !alone && ((x + phase) & 7) > 4 ? nothing : (row[x] ?? nothing)
      }
    }
    return Array.from({ length: Math.ceil(height / LANE_ROWS) }, (_unused, index) => {
      const rows = Math.min(LANE_ROWS, height - index * LANE_ROWS)
      return { from: first, rows, top: top + index * LANE_ROWS, height: rows }
    })
  }
}

/** The bottom layer at both edges, the top one in the middle. No pixel is painted twice: that is what a frame costs. */
function layered(first: number, top: number, height: number): Strip[] {
  const edges = INSETS.map((inset) => Math.floor(inset * height))
  const strip = (depth: number, from: number, to: number): Strip => ({
    from: first + depth,
    rows: 1,
    top: top + from,
    height: to - from,
  })
  const middle = edges.length - 1
  const above = edges.slice(1).map((edge, depth) => strip(depth, edges[depth] ?? 0, edge))
  const below = edges.slice(1).map((edge, depth) => strip(depth, height - edge, height - (edges[depth] ?? 0)))
  const inner = edges[middle] ?? 0
  return [...above, strip(middle, inner, height - inner), ...below].filter((one) => one.height > 0)
}
