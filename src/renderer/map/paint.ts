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

/** Draws lanes into rows of pixels; keeps its buffers from frame to frame. */
export class LanePainter {
  readonly #width: number
  readonly #codes: Uint8Array
  readonly #rows: readonly Uint32Array[]
  readonly #hatched: readonly Uint32Array[]

  constructor(width: number) {
    this.#width = width
    this.#codes = new Uint8Array(width)
    this.#rows = INSETS.map(() => new Uint32Array(width))
    this.#hatched = Array.from({ length: 8 }, () => new Uint32Array(width))
  }

  /** Paints `height` rows of `pixels`, which is `stride` pixels wide, from row `top` and column `left` on. */
  paint(
    lane: Pick<LaneIndex, 'layers'>,
    window: MapWindow,
    inks: Inks,
    { pixels, stride, left, top, height }: { pixels: Uint32Array; stride: number; left: number; top: number; height: number },
  ): void {
    const perColumn = window.span / this.#width
    let differs = false
    lane.layers.forEach((layer, depth) => {
      const row = this.#rows[depth]
      if (row === undefined) return
      sample(layer, window.start, perColumn, this.#codes)
      const below = this.#rows[depth - 1]
      for (let x = 0; x < this.#width; x++) {
        const code = this.#codes[x] ?? 0
        row[x] = code > 0 || below === undefined ? (inks.byCode[code] ?? inks.nothing) : (below[x] ?? inks.nothing)
        if (code === DIFFERENCE) differs = true
      }
      if (depth === 0 && differs) this.#hatch(row, inks)
    })
    for (let y = 0; y < height; y++) {
      const row = this.#rowAt(y, height, differs)
      if (row) pixels.set(row, (top + y) * stride + left)
    }
  }

  #rowAt(y: number, height: number, differs: boolean): Uint32Array | undefined {
    if (differs) return this.#hatched[y & 7]
    const fromEdge = Math.min(y, height - 1 - y) / height
    return this.#rows[INSETS.findLastIndex((inset) => fromEdge >= inset)]
  }

  /** Differences are striped, so that they can be told without seeing colours. */
  #hatch(row: Uint32Array, { byCode, nothing }: Inks): void {
    const ink = byCode[DIFFERENCE]
    this.#hatched.forEach((out, phase) => {
      for (let x = 0; x < this.#width; x++) {
        const alone = row[x - 1] !== ink && row[x + 1] !== ink
        out[x] = row[x] === ink && !alone && ((x + phase) & 7) > 4 ? nothing : (row[x] ?? nothing)
      }
    })
  }
}
