import type { MemoryKind } from '../../shared/palette.ts'
import { formatSize, GiB, hex, KiB, MiB } from '../../shared/units.ts'
import { html } from '../visible.ts'
import type { Lane, Mark } from './lanes.ts'
import { boundariesOf, schematicScale, type Scale } from './scale.ts'

const WIDTH = 1240
const LEFT = 84
const LANE = 34
const GAP = 8
const TOP = 18
const STRIP = 12
/** Width in which several marks cannot be told apart. */
const THIN = 3
/** Room for a 13-digit address written upwards. */
const LABELS = 92

/** How much of a lane's height a kind fills: what lies inside something else is drawn narrower, on top of it. */
const HEIGHT = {
  ram: 1,
  firmware: 1,
  scratch: 0.76,
  kernel: 0.44,
  initrd: 0.44,
  preserved: 0.44,
  difference: 1,
} as const satisfies Partial<Record<MemoryKind, number>>
type DrawnKind = keyof typeof HEIGHT
/** The kinds that a report draws, from the bottom up: the outline, which fits a page. The app's map has the others as well. */
export const LAYERS: readonly DrawnKind[] = ['ram', 'firmware', 'scratch', 'kernel', 'initrd', 'preserved', 'difference']

/** One hop's memory map as an inline SVG: the lanes on a common schematic axis, and a strip that is true to scale. */
export function drawMap(lanes: readonly Lane[], title: string): string {
  const marks = lanes.flatMap((lane) => lane.marks.filter(({ kind }) => Object.hasOwn(HEIGHT, kind)))
  if (marks.length === 0) return '<p class="muted">Nothing was placed in memory on this hop.</p>'
  const scale = schematicScale(boundariesOf(marks), WIDTH - LEFT - 12)
  const lanesHeight = lanes.length * (LANE + GAP)
  const stripTop = TOP + lanesHeight + LABELS
  const height = stripTop + STRIP + 26
  return [
    `<svg class="map" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${html(title)}">`,
    grid(scale, lanesHeight),
    ...lanes.map((lane, index) => drawLane(lane, scale, TOP + index * (LANE + GAP))),
    axis(scale, TOP + lanesHeight),
    strip(lanes, stripTop),
    '</svg>',
  ].join('\n')
}

const round = (value: number): string => value.toFixed(1).replace(/\.0$/, '')

function grid(scale: Scale, height: number): string {
  const lines = scale.stretches.map((stretch) => {
    const x = round(LEFT + stretch.x)
    return `<line x1="${x}" y1="${TOP - 4}" x2="${x}" y2="${TOP + height}"/>`
  })
  const sizes = scale.stretches
    .filter((stretch) => stretch.width > 52)
    .map(
      (stretch) =>
        `<text x="${round(LEFT + stretch.x + stretch.width / 2)}" y="${TOP - 7}" text-anchor="middle">${shortSize(stretch.end - stretch.start)}</text>`,
    )
  return `<g class="grid">${lines.join('')}${sizes.join('')}</g>`
}

/** At most eight characters: exact where that is short, else three digits and marked as rounded. */
function shortSize(size: number): string {
  const exact = formatSize(size)
  if (exact.length <= 8) return exact
  const [unit, name] =
    size >= 1000 * MiB ? ([GiB, 'GiB'] as const) : size >= 1000 * KiB ? ([MiB, 'MiB'] as const) : ([KiB, 'KiB'] as const)
  const amount = size / unit
  return `≈${amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)} ${name}`
}

function drawLane(lane: Lane, scale: Scale, top: number): string {
  const rects = LAYERS.flatMap((kind) =>
    joined(
      lane.marks.filter((mark) => mark.kind === kind),
      scale,
    ).map((mark) => rect(mark, kind, scale, top)),
  )
  return [
    `<g class="lane"><text class="name" x="${LEFT - 10}" y="${top + LANE / 2 + 4}" text-anchor="end">${lane.name}</text>`,
    `<rect class="empty" x="${LEFT}" y="${top}" width="${WIDTH - LEFT - 12}" height="${LANE}"/>`,
    ...rects,
    '</g>',
  ].join('')
}

/** Marks of one kind in ascending order, those that could not be told apart on the drawing as one. */
function joined(marks: readonly Mark[], scale: Scale): Mark[] {
  const groups: { mark: Mark; count: number }[] = []
  for (const mark of marks) {
    const last = groups.at(-1)
    if (last !== undefined && mark.start >= last.mark.start && scale.x(mark.end) - scale.x(last.mark.start) < THIN) {
      groups[groups.length - 1] = { mark: { ...last.mark, end: Math.max(last.mark.end, mark.end) }, count: last.count + 1 }
    } else groups.push({ mark, count: 1 })
  }
  return groups.map(({ mark, count }) => (count === 1 ? mark : { ...mark, label: `${count} × ${mark.kind}` }))
}

function rect(mark: Mark, kind: DrawnKind, scale: Scale, top: number): string {
  const x = scale.x(mark.start)
  const width = Math.max(scale.x(mark.end) - x, 2)
  const height = LANE * HEIGHT[kind]
  const y = top + (LANE - height) / 2
  return (
    `<rect class="k-${kind}" x="${round(LEFT + x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}">` +
    `<title>${html(describe(mark))}</title></rect>`
  )
}

export const describe = (mark: Mark): string =>
  `${mark.label}: ${hex(mark.start)} – ${hex(mark.end - 1)} (${formatSize(mark.end - mark.start)})`

/** Addresses written upwards; one that would touch its left neighbour is left out, its line stays. */
function axis(scale: Scale, top: number): string {
  const last = scale.stretches.at(-1)
  const edges = [
    ...scale.stretches.map((stretch) => ({ address: stretch.start, x: stretch.x })),
    ...(last === undefined ? [] : [{ address: last.end, x: last.x + last.width }]),
  ]
  let free = -Infinity
  const labels = edges.map(({ address, x }) => {
    if (x < free) return ''
    free = x + 11
    const at = `${round(LEFT + x + 3)} ${top + LABELS - 8}`
    return `<text transform="translate(${at}) rotate(-90)" text-anchor="end" dx="${LABELS - 12}">${hex(address)}</text>`
  })
  return `<g class="axis">${labels.join('')}</g>`
}

/** What the host saw (or, without it, the guest), linear from 0 to the end of RAM. Marks are never thinner than they can be seen. */
function strip(lanes: readonly Lane[], top: number): string {
  const source = ['host', 'guest', 'predicted']
    .map((name) => lanes.find((lane) => lane.name === name))
    .find((lane) => lane !== undefined && lane.marks.length > 0)
  if (source === undefined) return ''
  const limit = Math.max(...source.marks.filter((mark) => mark.kind !== 'firmware').map((mark) => mark.end), 1)
  const width = WIDTH - LEFT - 12
  const x = (address: number): number => (Math.min(address, limit) / limit) * width
  const rects = LAYERS.flatMap((kind) =>
    source.marks
      .filter((mark) => mark.kind === kind && mark.start < limit)
      .map(
        (mark) =>
          `<rect class="k-${kind}" x="${round(LEFT + x(mark.start))}" y="${top}" width="${round(Math.max(x(mark.end) - x(mark.start), 1))}" height="${STRIP}"/>`,
      ),
  )
  const ticks = tickAddresses(limit).map(
    (address) =>
      `<text x="${round(LEFT + x(address))}" y="${top + STRIP + 13}" text-anchor="${address === 0 ? 'start' : address === limit ? 'end' : 'middle'}">${address === 0 ? '0' : formatSize(address)}</text>`,
  )
  return (
    `<g class="strip"><text class="name" x="${LEFT - 10}" y="${top + STRIP - 2}" text-anchor="end">to scale</text>` +
    `<rect class="empty" x="${LEFT}" y="${top}" width="${width}" height="${STRIP}"/>${rects.join('')}${ticks.join('')}</g>`
  )
}

function tickAddresses(limit: number): number[] {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(limit / 8)))
  return Array.from({ length: Math.floor(limit / step) + 1 }, (_unused, index) => index * step)
}
