import type { RunMap } from '../../shared/boot-views.ts'
import { hex } from '../../shared/units.ts'
import { roughSize } from '../state/address.ts'
import type { LaneIndex } from './lane-index.ts'
import { ticksOf, type MapWindow } from './map-window.ts'
import { inksOf, LANE_ROWS, LanePainter } from './paint.ts'

/** Room for the names of the lanes, in CSS pixels. */
export const LEFT = 112
const AXIS = 30
const BAND = 15
const GAP = 7
const STRIP = 14
const TICK = 128
const LANE_MOST = 110

export interface Size {
  readonly width: number
  readonly height: number
}

type BandRow = RunMap['bands'][number]['row']
const BAND_ROWS: readonly BandRow[] = ['node', 'zone', 'cma']
const BAND_NAMES: Readonly<Record<BandRow, string>> = { node: 'NUMA node', zone: 'zone', cma: 'page blocks' }

/** Where everything is drawn, in CSS pixels from the top. */
export interface Plot {
  readonly rows: readonly { readonly row: BandRow; readonly top: number }[]
  readonly lanes: readonly { readonly top: number; readonly height: number }[]
  readonly strip: number
}

export function plotOf({ height }: Size, laneCount: number, bands: RunMap['bands']): Plot {
  const rows = BAND_ROWS.filter((row) => bands.some((band) => band.row === row)).map((row, index) => ({
    row,
    top: AXIS + index * BAND,
  }))
  const first = AXIS + rows.length * BAND + GAP
  const room = height - first - STRIP - GAP
  const each = Math.max(10, Math.min(LANE_MOST, Math.floor(room / Math.max(1, laneCount)) - GAP))
  const lanes = Array.from({ length: laneCount }, (_unused, index) => ({ top: first + index * (each + GAP), height: each }))
  return { rows, lanes, strip: first + laneCount * (each + GAP) }
}

export interface Shown {
  readonly lanes: readonly LaneIndex[]
  readonly bands: RunMap['bands']
  readonly end: number
  readonly window: MapWindow
}

interface Pen {
  readonly context: CanvasRenderingContext2D
  readonly size: Size
  readonly shown: Shown
  readonly ink: string
  readonly quiet: string
  readonly line: string
  readonly accent: string
}

/** Draws one frame. */
export function drawMap(canvas: HTMLCanvasElement, size: Size, plot: Plot, shown: Shown): void {
  const context = canvas.getContext('2d', { alpha: false })
  if (!context) return
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const theme = document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light'
  context.fillStyle = colour('--ground')
  context.fillRect(0, 0, size.width, size.height)
  const pen: Pen = {
    context,
    size,
    shown,
    ink: colour('--ink'),
    quiet: colour('--ink-2'),
    line: colour('--line'),
    accent: colour('--accent'),
  }
  context.font = `11px ${colour('--mono')}`
  context.textBaseline = 'middle'
  drawLanes(pen, plot, inksOf(theme, colour('--panel')))
  drawAxis(pen, plot)
  drawBands(pen, plot)
  drawNames(pen, plot)
}

interface Kept {
  readonly image: ImageData
  readonly pixels: Uint32Array
  readonly painter: LanePainter
  /** The rows in which lanes differ; the canvas stretches them, which costs less than filling it pixel by pixel. */
  readonly canvas: OffscreenCanvas
  readonly context: OffscreenCanvasRenderingContext2D
}

/** Kept from frame to frame: allocating it for each would cost more than drawing. */
let kept: Kept | undefined

function rowsFor(width: number, height: number): Kept | undefined {
  if (kept?.image.width === width && kept.image.height === height) return kept
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })
  if (!context) return undefined
  const image = new ImageData(width, height)
  kept = { image, pixels: new Uint32Array(image.data.buffer), painter: new LanePainter(width), canvas, context }
  return kept
}

function drawLanes({ context, size, shown }: Pen, plot: Plot, inks: ReturnType<typeof inksOf>): void {
  const width = size.width - LEFT
  const buffers = rowsFor(width, LANE_ROWS * (shown.lanes.length + 1))
  if (!buffers) return
  const { painter, pixels, image } = buffers
  const strips = shown.lanes.flatMap((lane, index) => {
    const at = plot.lanes[index]
    return at ? painter.paint(lane, shown.window, inks, { pixels, first: index * LANE_ROWS, ...at }) : []
  })
  const overview = shown.lanes.find(({ name }) => name === 'host') ?? shown.lanes[0]
  if (overview) {
    const place = { pixels, first: shown.lanes.length * LANE_ROWS, top: plot.strip, height: STRIP }
    strips.push(...painter.paint(overview, { start: 0, span: shown.end }, inks, place))
  }
  buffers.context.putImageData(image, 0, 0)
  context.imageSmoothingEnabled = false
  const first = plot.lanes[0]?.top ?? 0
  context.fillStyle = cssOf(inks.nothing)
  context.fillRect(LEFT, first, width, plot.strip + STRIP - first)
  for (const { from, rows, top, height } of strips)
    context.drawImage(buffers.canvas, 0, from, width, rows, LEFT, top, width, height)
}

/** A pixel as a style: 0xAABBGGRR. */
const cssOf = (pixel: number): string => `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`

function drawAxis({ context, size, shown: { window, end }, quiet, line, accent }: Pen, plot: Plot): void {
  const width = size.width - LEFT
  const { step, addresses } = ticksOf(window, width / TICK)
  context.fillStyle = quiet
  context.fillText(`tick ${roughSize(step)}`, 8, 9)
  context.fillText(roughSize(Math.round(window.span)), 8, 22)
  for (const address of addresses) {
    const x = LEFT + Math.round(((address - window.start) / window.span) * width)
    context.fillStyle = line
    context.fillRect(x, 0, 1, plot.strip - GAP)
    context.fillStyle = quiet
    if (x + 96 < size.width) {
      context.fillText(hex(address), x + 4, 9)
      context.fillText(roughSize(address), x + 4, 22)
    }
  }
  // The frame of what is shown, on the strip that has everything.
  const left = LEFT + (window.start / end) * width
  context.strokeStyle = accent
  context.lineWidth = 2
  context.strokeRect(left, plot.strip - 1, Math.max(3, (window.span / end) * width), STRIP + 2)
}

function drawBands({ context, size, shown: { window, bands }, quiet, line, ink }: Pen, plot: Plot): void {
  const width = size.width - LEFT
  for (const { row, top } of plot.rows) {
    context.fillStyle = quiet
    context.fillText(BAND_NAMES[row], 8, top + BAND / 2)
    for (const band of bands.filter((candidate) => candidate.row === row)) {
      const from = LEFT + Math.max(0, ((band.start - window.start) / window.span) * width)
      const to = LEFT + Math.min(width, ((band.end - window.start) / window.span) * width)
      if (to <= from) continue
      context.fillStyle = line
      context.fillRect(from, top + BAND - 3, to - from, 1)
      context.fillRect(from, top + 2, 1, BAND - 4)
      context.fillRect(to - 1, top + 2, 1, BAND - 4)
      context.fillStyle = ink
      const name = band.name.length * 7 + 6 < to - from ? band.name : (band.name.split(',', 1)[0] ?? '')
      if (to - from > name.length * 7 + 6) context.fillText(name, from + 5, top + BAND / 2 - 1)
    }
  }
}

function drawNames({ context, shown, ink, quiet }: Pen, plot: Plot): void {
  shown.lanes.forEach((lane, index) => {
    const at = plot.lanes[index]
    if (!at) return
    context.fillStyle = ink
    context.fillText(lane.name, 8, at.top + at.height / 2)
  })
  context.fillStyle = quiet
  context.fillText('everything', 8, plot.strip + STRIP / 2)
}
