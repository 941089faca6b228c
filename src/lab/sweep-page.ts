import { STYLE } from '../report/html/style.ts'
import { html } from '../report/visible.ts'
import { formatSize } from '../shared/units.ts'
import { writeReport } from './report.ts'
import type { SweepResult, SweepRow } from './sweep.ts'
import { sweepCells } from './sweep-tables.ts'

/** One self-contained page with charts and table of a sweep. Rejects with LabError out-unwritable or disk-full. */
export const writeSweepPage = (file: string, name: string, result: SweepResult): Promise<void> =>
  writeReport(file, sweepHtml(name, result))

/** No script, no request; the same sweep gives the same bytes. */
export function sweepHtml(name: string, result: SweepResult): string {
  const { parameter, assumed, rows } = result
  const [head = [], ...cells] = sweepCells(result)
  const row = (tag: 'th' | 'td', texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${html(text)}</${tag}>`).join('')}</tr>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${html(name)} – kho-lab sweep over ${parameter}</title>
<style>${STYLE}</style></head><body>
<nav><div><b>kho-lab</b><a href="#share">Share of RAM</a><a href="#regions">Regions</a><a href="#table">Table</a></div></nav>
<main><h1>${html(name)}: scratch over ${parameter}</h1>
<p class="muted">Predicted, without starting a guest.${assumed.map((text) => ` Assumed: ${html(text)}.`).join('')}</p>
<section id="share"><h2>Scratch as a share of RAM</h2>
<p class="muted">A bar without filling is not predicted; a cross marks where the next kernel finds no room in scratch, or KHO is off.</p>
${chart(rows, parameter, shareBars)}</section>
<section id="regions"><h2>What scratch consists of</h2>
<div class="legend"><span><i class="k-scratch"></i>lowmem</span><span><i class="k-preserved"></i>global</span><span><i class="k-kernel"></i>nodes</span></div>
${chart(rows, parameter, regionBars)}</section>
<section id="table"><h2>Table</h2><table><thead>${row('th', head)}</thead><tbody>${cells.map((texts) => row('td', texts)).join('')}</tbody></table></section>
</main></body></html>
`
}

/** A piece of a bar, from `from` to `to` of its height. */
interface Piece {
  readonly ink: 'k-scratch' | 'k-preserved' | 'k-kernel'
  readonly from: number
  readonly to: number
}

interface Bars {
  /** What the top of the axis stands for. */
  readonly top: string
  readonly pieces: (row: SweepRow) => readonly Piece[]
}

const shareText = (share: number): string => `${(share * 100).toFixed(2)} %`

function shareBars(rows: readonly SweepRow[]): Bars {
  const most = Math.max(...rows.map(({ scratch }) => scratch?.share ?? 0), Number.MIN_VALUE)
  return {
    top: shareText(most),
    pieces: ({ scratch }) => (scratch === undefined ? [] : [{ ink: 'k-scratch', from: 0, to: scratch.share / most }]),
  }
}

/** Parts of one, since scratch of a small and of a large machine differ by orders of magnitude. */
const regionBars = (): Bars => ({
  top: '100 %',
  pieces: ({ scratch }) => {
    if (scratch === undefined || scratch.size === 0) return []
    const part = (is: (kind: string) => boolean): number =>
      scratch.regions.filter(({ kind }) => is(kind)).reduce((sum, { size }) => sum + size, 0) / scratch.size
    const low = part((kind) => kind === 'lowmem')
    const global = low + part((kind) => kind === 'global')
    return [
      { ink: 'k-scratch', from: 0, to: low },
      { ink: 'k-preserved', from: low, to: global },
      { ink: 'k-kernel', from: global, to: 1 },
    ]
  },
})

const CHART = { width: 900, left: 64, top: 12, height: 220, below: 30 } as const
/** So many labels along the axis at most. */
const LABELS = 16

function chart(
  rows: readonly SweepRow[],
  parameter: SweepResult['parameter'],
  made: (rows: readonly SweepRow[]) => Bars,
): string {
  const bars = made(rows)
  const width = (CHART.width - CHART.left) / rows.length
  const y = (part: number): number => CHART.top + (1 - part) * CHART.height
  const every = Math.ceil(rows.length / LABELS)
  const drawn = rows.map((row, index) => {
    const x = CHART.left + index * width
    const pieces = bars
      .pieces(row)
      .map(
        ({ ink, from, to }) =>
          `<rect class="${ink}" x="${f(x + 2)}" y="${f(y(to))}" width="${f(Math.max(1, width - 4))}" height="${f(y(from) - y(to))}"/>`,
      )
    const refused = row.kho === false || row.nextFits === false
    const cross = refused ? `<text class="differ" x="${f(x + width / 2)}" y="${f(y(0) - 6)}" text-anchor="middle">✗</text>` : ''
    const label =
      index % every === 0
        ? `<text x="${f(x + width / 2)}" y="${f(y(0) + 14)}" text-anchor="middle">${html(valueText(row, parameter))}</text>`
        : ''
    return (
      `<g><title>${html(titleOf(row, parameter))}</title><rect class="empty" x="${f(x + 2)}" y="${CHART.top}" width="${f(Math.max(1, width - 4))}" height="${CHART.height}"/>` +
      `${pieces.join('')}${cross}${label}</g>`
    )
  })
  const axis = `<text x="${CHART.left - 6}" y="${CHART.top + 10}" text-anchor="end">${html(bars.top)}</text><text x="${CHART.left - 6}" y="${f(y(0))}" text-anchor="end">0 %</text>`
  const height = CHART.top + CHART.height + CHART.below
  return `<div class="mapbox"><svg class="map" role="img" aria-label="scratch over ${parameter}" viewBox="0 0 ${CHART.width} ${height}">${drawn.join('')}${axis}</svg></div>`
}

function valueText({ value }: SweepRow, parameter: SweepResult['parameter']): string {
  switch (parameter) {
    case 'memory':
      return formatSize(value)
    case 'scratch':
      return `${value}%`
    case 'cpus':
    case 'nodes':
      return String(value)
  }
}

/** What the pointer shows. */
function titleOf(row: SweepRow, parameter: SweepResult['parameter']): string {
  const { scratch, why } = row
  const size = scratch === undefined ? 'not predicted' : `${formatSize(scratch.size)}, ${shareText(scratch.share)} of RAM`
  return [`${parameter} ${valueText(row, parameter)}: ${size}`, ...why].join('; ')
}

const f = (value: number): string => String(Math.round(value * 10) / 10)
