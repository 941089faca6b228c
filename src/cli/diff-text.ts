import type { ClaimChange, RunDiff } from '../shared/documents/index.ts'
import type { Json } from '../shared/json.ts'
import { visible } from '../shared/visible.ts'
import type { Terminal } from './terminal.ts'

const VALUE_LIMIT = 100

/** Two runs for a terminal: what changed first, the figures last. */
export function diffText(diff: RunDiff, { paint }: Terminal): string {
  const { a, b, circumstances, verdicts, values, findings, figures, same } = diff
  const lines = [
    ...[a, b].map((run, index) => {
      const what = `${run.name}, ${run.startedAt}, kernel ${run.kernel}: ${run.verdict}, ${run.claims} claims`
      return `${index === 0 ? 'before ' : 'after  '} ${visible(what)}`
    }),
    ...section(paint, 'Verdicts that changed', verdicts.flatMap(verdictLines)),
    ...section(
      paint,
      'Findings that changed',
      findings.map(({ id, hop, a: one, b: other }) => `${id} [hop ${hop}]: ${one ?? 'none'} -> ${other ?? 'none'}`),
    ),
    ...section(paint, 'Values that changed', values.flatMap(valueLines)),
    ...section(
      paint,
      'Machine, kernel and experiment',
      circumstances.map(({ what, a: one, b: other }) => `${what}: ${short(one)} -> ${short(other)}`),
    ),
    ...section(
      paint,
      'Figures',
      figures.map((figure) => figureLine(figure)),
    ),
    '',
    `${same} claims are the same, ${verdicts.length} have another verdict, ${values.length} another value`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

const section = (paint: Terminal['paint'], title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', paint('bold', title), ...lines.map((line) => `  ${visible(line)}`)]

const verdictLines = (change: ClaimChange): string[] => [
  `${change.id}: ${change.verdict.a ?? 'not claimed'} -> ${change.verdict.b ?? 'not claimed'}`,
  ...change.values.map(({ side, words }) => `    ${side}: ${words}`),
]

const valueLines = (change: ClaimChange): string[] => change.values.map(({ side, words }) => `${change.id}, ${side}: ${words}`)

function figureLine({ what, unit, a, b }: RunDiff['figures'][number]): string {
  const change =
    a === undefined || b === undefined || a === 0 || a === b ? '' : `  (${b > a ? '+' : ''}${((b / a - 1) * 100).toFixed(1)} %)`
  return `${what.padEnd(28)} ${number(a)} -> ${number(b)} ${unit}${change}`
}

const number = (value: number | undefined): string =>
  (value === undefined ? '-' : String(Math.round(value * 100) / 100)).padStart(10)

function short(value: Json | undefined): string {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= VALUE_LIMIT ? text : `${text.slice(0, VALUE_LIMIT)}...`
}
