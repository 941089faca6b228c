import { html } from '../../report/visible.ts'
import { roughSize, type PolicySummary } from '../../shared/study-summary.ts'

const NAME_WIDTH = 150
const ROW = 22
const CHART_WIDTH = 900

interface Cell {
  /** 0 to 1: how much of the cell is filled. */
  readonly share: number
  /** What the pointer shows. */
  readonly title: string
  readonly text?: string | undefined
}

/** Rows of cells, filled from below by their share, so that the reading does not hang on a colour. */
export function cellChart(
  label: string,
  columns: readonly string[],
  rows: readonly { readonly name: string; readonly cells: readonly Cell[] }[],
): string {
  const width = (CHART_WIDTH - NAME_WIDTH) / Math.max(1, columns.length)
  const height = rows.length * ROW + 34
  const every = Math.ceil(columns.length / 25)
  const marks = rows.flatMap(({ name, cells }, row) => [
    `<text class="name" x="0" y="${row * ROW + 15}">${html(name)}</text>`,
    ...cells.map(({ share, title, text }, column) => {
      const x = NAME_WIDTH + column * width
      const y = row * ROW
      const tall = share * (ROW - 4)
      return (
        `<g><title>${html(title)}</title><rect class="empty" x="${f(x + 1)}" y="${y + 2}" width="${f(width - 2)}" height="${ROW - 4}"/>` +
        `<rect class="k-scratch" x="${f(x + 1)}" y="${f(y + ROW - 2 - tall)}" width="${f(width - 2)}" height="${f(tall)}"/>` +
        `${text === undefined ? '' : `<text x="${f(x + width / 2)}" y="${y + 15}" text-anchor="middle" style="fill:var(--text)">${html(text)}</text>`}</g>`
      )
    }),
  ])
  const axis = columns.flatMap((text, column) =>
    column % every === 0
      ? [
          `<text x="${f(NAME_WIDTH + (column + 0.5) * width)}" y="${rows.length * ROW + 14}" text-anchor="middle">${html(text)}</text>`,
        ]
      : [],
  )
  return (
    `<div class="mapbox"><svg class="map" role="img" aria-label="${html(label)}" viewBox="0 0 ${CHART_WIDTH} ${height}">${marks.join('')}${axis.join('')}` +
    `<text x="${CHART_WIDTH}" y="${height - 4}" text-anchor="end">${html(label)}</text></svg></div>`
  )
}

const PLOT = { left: 60, top: 14, width: 640, height: 260 } as const

/** Memory held back against the share of seeds that survived; labels stand beside their points, one below the other where they meet. */
export function heldBackChart(summaries: readonly PolicySummary[]): string {
  const most = Math.max(1, ...summaries.map(({ heldBack }) => heldBack))
  const x = (bytes: number): number => PLOT.left + (bytes / most) * PLOT.width
  const y = (share: number): number => PLOT.top + (1 - share) * PLOT.height
  const taken = new Map<string, number>()
  const points = summaries.map(({ policy, heldBack, survived }) => {
    const place = `${Math.round(x(heldBack) / 60)}/${Math.round(y(survived) / 30)}`
    const nth = taken.get(place) ?? 0
    taken.set(place, nth + 1)
    return (
      `<g><title>${html(`${policy}: ${roughSize(heldBack)} held back, ${Math.round(survived * 100)} % survived`)}</title>` +
      `<circle class="k-preserved" cx="${f(x(heldBack))}" cy="${f(y(survived))}" r="4.5"/><text class="name" x="${f(x(heldBack) + 9)}" y="${f(y(survived) + 4 + nth * 14)}">${html(policy)}</text></g>`
    )
  })
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${PLOT.left}" x2="${PLOT.left + PLOT.width}" y1="${f(y(share))}" y2="${f(y(share))}"/><text x="${PLOT.left - 6}" y="${f(y(share) + 3)}" text-anchor="end" stroke="none">${share * 100} %</text>`,
  )
  const axis = [0, 0.5, 1].map(
    (part) =>
      `<text x="${f(x(part * most))}" y="${PLOT.top + PLOT.height + 62}" text-anchor="middle">${roughSize(part * most)}</text>`,
  )
  return `<div class="mapbox"><svg class="map" role="img" aria-label="memory held back against survival" viewBox="0 0 ${CHART_WIDTH} ${PLOT.top + PLOT.height + 80}"><g class="grid">${grid.join('')}</g>${points.join('')}${axis.join('')}<text x="${CHART_WIDTH}" y="${PLOT.top + PLOT.height + 76}" text-anchor="end">memory held back (across), seeds that survived (up)</text></svg></div>`
}

const f = (value: number): string => String(Math.round(value * 10) / 10)

/** The two colours of these charts and what they stand for. */
export const CHART_LEGEND = `<div class="legend"><span><i class="k-scratch"></i>survived</span><span><i class="k-preserved"></i>a policy</span></div>`
