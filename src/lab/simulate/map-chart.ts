import { html } from '../../report/visible.ts'
import { STUDY_MAP_KINDS, type StudyMap } from '../../shared/documents/index.ts'
import { studyPalette } from '../../shared/palette.ts'
import { cellShares, mapCells } from '../../shared/study-map.ts'

const NAME_WIDTH = 170
const WIDTH = 900
const LANE = 22
const BAR = 15

const inks = (theme: 'light' | 'dark'): string =>
  STUDY_MAP_KINDS.map((kind) => `--m-${kind}:${studyPalette[kind][theme]};`).join('')

/** What the page's style needs beside its own. */
export const MAP_STYLE = `
:root{${inks('light')}}
@media (prefers-color-scheme:dark){:root{${inks('dark')}}}
${STUDY_MAP_KINDS.map((kind) => `.m-${kind}{fill:var(--m-${kind});background:var(--m-${kind})}`).join('\n')}
svg.map .region{fill:var(--k-scratch)}
`

export const MAP_LEGEND = `<div class="legend">${STUDY_MAP_KINDS.map((kind) => `<span><i class="m-${kind}"></i>${html(studyPalette[kind].label)}</span>`).join('')}<span><i class="k-scratch"></i>boot regions</span></div>`

/** One lane per map: each cell a stack of what is in it, from below in the order of the kinds. */
export function mapLanes(maps: readonly StudyMap[]): string {
  const lanes = maps.map((map, row) => {
    const y = row * LANE + 2
    const paths = STUDY_MAP_KINDS.map((kind, index) => `<path class="m-${kind}" d="${pathOf(map, index, y)}"/>`)
    const name = `${map.policy} ${map.generation}`
    return `<g><text class="name" x="0" y="${y + 12}">${html(name)}</text>${paths.join('')}${regionsOf(map, y)}</g>`
  })
  const height = maps.length * LANE + 4
  return `<div class="mapbox"><svg class="map" role="img" aria-label="what lay where before the kexec" viewBox="0 0 ${WIDTH} ${height}">${lanes.join('')}</svg></div>`
}

/** The rectangles of one kind; neighbours that begin and end at the same height become one. */
function pathOf(map: StudyMap, kind: number, y: number): string {
  const cells = mapCells(map)
  const cell = (WIDTH - NAME_WIDTH) / cells
  const parts: { x: number; width: number; bottom: number; tall: number }[] = []
  for (let at = 0; at < cells; at++) {
    const shares = cellShares(map, at)
    const tall = round((shares[kind] ?? 0) * BAR)
    if (tall === 0) continue
    const bottom = round(shares.slice(0, kind).reduce((sum, share) => sum + share, 0) * BAR)
    const last = parts.at(-1)
    const x = NAME_WIDTH + at * cell
    if (last !== undefined && Math.abs(last.x + last.width - x) < 0.01 && last.bottom === bottom && last.tall === tall)
      last.width += cell
    else parts.push({ x, width: cell, bottom, tall })
  }
  return parts
    .map(({ x, width, bottom, tall }) => `M${round(x)} ${round(y + BAR - bottom)}h${round(width)}v-${tall}h-${round(width)}z`)
    .join('')
}

function regionsOf(map: StudyMap, y: number): string {
  const total = map.memory
  const x = (bytes: number): number => round(NAME_WIDTH + (bytes / total) * (WIDTH - NAME_WIDTH))
  const line =
    (thick: number) =>
    (range: { readonly start: number; readonly size: number }): string =>
      `<rect class="region" x="${x(range.start)}" y="${y + BAR + 1}" width="${Math.max(0.5, round((range.size / total) * (WIDTH - NAME_WIDTH)))}" height="${thick}"/>`
  return map.regions.map(line(1.2)).join('') + map.early.map(line(3)).join('')
}

const round = (value: number): number => Math.round(value * 100) / 100
