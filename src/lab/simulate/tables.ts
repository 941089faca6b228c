import { StudyRow, type StudyResult } from '../../shared/documents/index.ts'
import { SUMMARY_COLUMNS, summarise, valueText, type SummaryColumn } from '../../shared/study-summary.ts'

/** Every row with every measure; free blocks as eleven columns. RFC 4180 but for line feeds alone. */
export function studyCsv({ rows }: StudyResult): string {
  const names = Object.keys(StudyRow.shape).filter((name) => name !== 'freeByOrder')
  const orders = Array.from({ length: 11 }, (_unused, order) => `freeOrder${order}`)
  const lines = rows.map((row) => {
    const cells = new Map<string, unknown>(Object.entries(row))
    return [...names.map((name) => cell(cells.get(name))), ...row.freeByOrder.map(String)].join(',')
  })
  return [[...names, ...orders].join(','), ...lines, ''].join('\n')
}

const cell = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** One line per policy and value: medians over seeds and generations, worst cases of what must not be. */
export function studyTable(result: StudyResult): string {
  const { vary } = result
  const columns: readonly SummaryColumn[] =
    vary === undefined ? SUMMARY_COLUMNS : [[vary.replace(/.*\./, ''), ({ value }) => valueText(value)], ...SUMMARY_COLUMNS]
  const cells = [columns.map(([title]) => title), ...summarise(result).map((summary) => columns.map(([, text]) => text(summary)))]
  const widths = columns.map((_column, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  return cells
    .map(
      (line) =>
        `${line
          .map((text, index) => text.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
