import { formatSize } from '../shared/units.ts'
import type { SweepResult, SweepRow } from './sweep.ts'

type Column = readonly [title: string, text: (row: SweepRow) => string]

/** Bytes of the regions of one kind; those of all nodes together. */
function bytesOf({ scratch }: SweepRow, kind: 'lowmem' | 'global' | 'nodes'): number | undefined {
  return scratch?.regions
    .filter((region) => (kind === 'nodes' ? region.kind.startsWith('node') : region.kind === kind))
    .reduce((sum, { size }) => sum + size, 0)
}

const UNKNOWN = '-'
const sizeText = (size: number | undefined): string => (size === undefined ? UNKNOWN : formatSize(size))
const yesNo = (value: boolean | undefined): string => (value === undefined ? UNKNOWN : value ? 'yes' : 'no')
const shareText = (share: number | undefined): string => (share === undefined ? UNKNOWN : `${(share * 100).toFixed(2)} %`)

const COLUMNS: readonly Column[] = [
  ['RAM', ({ memory }) => formatSize(memory)],
  ['nodes', ({ nodes }) => String(nodes)],
  ['CPUs', ({ cpus }) => String(cpus)],
  ['KHO on', ({ kho }) => yesNo(kho)],
  ['regions', ({ regions }) => String(regions ?? UNKNOWN)],
  ['scratch', ({ scratch }) => sizeText(scratch?.size)],
  ['lowmem', (row) => sizeText(bytesOf(row, 'lowmem'))],
  ['global', (row) => sizeText(bytesOf(row, 'global'))],
  ['in nodes', (row) => sizeText(bytesOf(row, 'nodes'))],
  ['of RAM', ({ scratch }) => shareText(scratch?.share)],
  ['next fits', ({ nextFits }) => yesNo(nextFits)],
  ['why', ({ why }) => why.join('; ')],
]

/** Titles, then one line per value. */
export function sweepCells({ parameter, rows }: SweepResult): readonly (readonly string[])[] {
  const columns: readonly Column[] = parameter === 'scratch' ? [['kho_scratch', ({ value }) => `${value}%`], ...COLUMNS] : COLUMNS
  return [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, text]) => text(row)))]
}

/** A line for each assumption, then one per value, aligned. */
export function sweepTable(result: SweepResult): string {
  const { assumed } = result
  const cells = sweepCells(result)
  const widths = (cells[0] ?? []).map((_title, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)))
  const lines = cells.map((line) =>
    line
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [...assumptions(assumed), ...lines, ''].join('\n')
}

export const assumptions = (assumed: readonly string[]): readonly string[] => assumed.map((text) => `assumed: ${text}`)

/** Bytes and parts of one; an empty cell is not predicted. RFC 4180 but for line feeds alone. */
export function sweepCsv({ parameter, rows }: SweepResult): string {
  const head = [parameter === 'scratch' ? 'kho_scratch_percent' : undefined, ...CSV_HEAD].filter((name) => name !== undefined)
  const lines = rows.map((row) => {
    const { value, memory, nodes, cpus, kho, regions, scratch, nextFits, why } = row
    return [
      ...(parameter === 'scratch' ? [value] : []),
      memory,
      nodes,
      cpus,
      kho,
      regions,
      scratch?.size,
      bytesOf(row, 'lowmem'),
      bytesOf(row, 'global'),
      bytesOf(row, 'nodes'),
      scratch?.share,
      nextFits,
      why.join('; '),
    ]
      .map(csvCell)
      .join(',')
  })
  return [head.join(','), ...lines, ''].join('\n')
}

const CSV_HEAD = [
  'memory',
  'nodes',
  'cpus',
  'kho',
  'regions',
  'scratch',
  'lowmem',
  'global',
  'in_nodes',
  'share',
  'next_fits',
  'why',
] as const

function csvCell(value: string | number | boolean | undefined): string {
  const text = value === undefined ? '' : String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
