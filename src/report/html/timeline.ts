import type { Timeline } from '../../shared/documents/index.ts'
import { timelineTables, type Rows } from '../timeline-rows.ts'
import { html } from '../visible.ts'

/** The boots in a row: times, places, and what became of the pages. */
export function timelineSection(timeline: Timeline | undefined): string {
  if (timeline === undefined) return ''
  const tables = timelineTables(timeline).map(({ title, rows }) => `<h3>${html(title)}</h3>${table(rows)}`)
  return `<section id="timeline"><h2>Timeline</h2>${tables.join('\n')}</section>`
}

function table([head = [], ...rows]: Rows): string {
  const cells = (row: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${row.map((cell) => `<${tag}${/^(0x)?[0-9a-f.]+$/.test(cell) ? ' class="mono"' : ''}>${html(cell)}</${tag}>`).join('')}</tr>`
  return `<table><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table>`
}
