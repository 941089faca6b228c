import { StudyRow, type StudyResult } from '../../shared/documents/index.ts'
import { roughSize, summarise, valueText, type PolicySummary } from './summary.ts'

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

type Column = readonly [title: string, text: (summary: PolicySummary) => string]

const COLUMNS: readonly Column[] = [
  ['policy', ({ policy }) => policy],
  ['survived', ({ survived, seeds }) => `${Math.round(survived * seeds)}/${seeds}`],
  ['failed at', ({ failedAt, steps }) => (failedAt === undefined ? '-' : `${failedAt}: ${steps.join(', ')}`)],
  ['held back', ({ heldBack }) => roughSize(heldBack)],
  ['boot margin', ({ bootMargin }) => roughSize(bootMargin)],
  ['longest gap', ({ largestWithoutPreserved }) => roughSize(largestWithoutPreserved)],
  ['copied', ({ copiedBytes }) => roughSize(copiedBytes)],
  ['migrated', ({ migratedFrames }) => roughSize(migratedFrames * 4096)],
  ['cost', ({ cost }) => String(cost)],
  ['refused', ({ refusedFolios }) => String(refusedFolios)],
  ['overwritten', ({ overwrittenFrames }) => String(overwrittenFrames)],
]

/** One line per policy and value: medians over seeds and generations, worst cases of what must not be. */
export function studyTable(result: StudyResult): string {
  const { vary } = result
  const columns: readonly Column[] =
    vary === undefined ? COLUMNS : [[vary.replace(/.*\./, ''), ({ value }) => valueText(value)], ...COLUMNS]
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
