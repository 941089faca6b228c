import { claimName } from '../shared/claim-name.ts'
import type { ComparedClaim, Comparison } from '../shared/documents/index.ts'
import type { Render, ReportExtras } from './report.ts'
import { timelineTables, type Rows } from './timeline-rows.ts'
import { visible } from '../shared/visible.ts'
import { columns } from './visible.ts'
import {
  basisText,
  cut,
  durationText,
  familiesOf,
  FINDING_WORDS,
  hopsOf,
  hopTitle,
  sealedText,
  attachedRows,
  qemuCommand,
  sideText,
  valueText,
  verdictSentence,
} from './words.ts'
import { wrap } from './wrap.ts'

/** Columns of a line: what mailing lists expect, so that quoting still fits into 80. */
export const TEXT_WIDTH = 72
const VALUE_LIMIT = 600
const SERIAL_LINES = 20

/** Plain text of at most 72 columns, fit for a mailing list. */
export const renderText: Render = (comparison, extras) =>
  [
    ...heading(`kho-lab: ${comparison.experiment.name}`, '='),
    `Verdict: ${comparison.summary.run.toUpperCase()}`,
    '',
    ...paragraph(verdictSentence(comparison)),
    ...(comparison.lost === undefined ? [] : paragraph(`Lost: ${comparison.lost}`)),
    '',
    ...facts(comparison, extras),
    ...findings(comparison),
    ...details(comparison, 'differ', 'What differs'),
    ...details(comparison, 'unobserved', 'What was not observed'),
    ...details(comparison, 'unpredicted', 'What is not predicted'),
    ...timeline(comparison),
    ...allClaims(comparison),
    ...evidence(comparison, extras),
  ].join('\n') + '\n'

const paragraph = (text: string, first = '', rest = first): string[] => wrap(visible(text), { width: TEXT_WIDTH, first, rest })

function heading(title: string, line: string): string[] {
  const lines = paragraph(title)
  return [...lines, line.repeat(Math.max(...lines.map(columns))), '']
}

function facts(comparison: Comparison, extras: ReportExtras): string[] {
  const { environment } = comparison
  const rows: [string, string][] = [
    ['Kernel', environment.image.kernelVersion],
    ...(environment.image.kernelPackage === undefined
      ? []
      : [['Package', environment.image.kernelPackage] satisfies [string, string]]),
    ['Config', extras.prediction.kernels[0]?.configSha256 ?? 'not known'],
    ['QEMU', environment.qemu.version],
    ['Accelerator', `${environment.accelerator.used} (${environment.accelerator.why})`],
    ['Host', `${environment.host.cpuModel}, Linux ${environment.host.kernel}`],
    ...attachedRows(comparison),
    ['Predicted', sealedText(comparison)],
    ['Digest', comparison.prediction.sha256],
    ['Run', `${environment.startedAt}, ${durationText(comparison)}`],
  ]
  return [...rows.flatMap(([name, text]) => field(name, text)), '']
}

/** A name and its text; a digest gets a line of its own, where it fits whole. */
function field(name: string, text: string, indent = ''): string[] {
  if (/^[0-9a-f]{64}$/.test(text)) return [`${indent}${name}:`, `${indent}  ${text}`]
  return paragraph(text, `${indent}${`${name}:`.padEnd(13)}`, `${indent}${' '.repeat(13)}`)
}

function findings(comparison: Comparison): string[] {
  if (comparison.findings.length === 0) return []
  return [
    ...heading('Findings', '-'),
    ...paragraph('Defects of the kernel that the model knows and predicts as the kernel behaves.'),
    '',
    ...comparison.findings.flatMap((finding) => [
      ...paragraph(`* ${finding.title} [${FINDING_WORDS[finding.status]}, hop ${finding.hop}]`, '', '  '),
      ...paragraph(finding.words, '  '),
      ...finding.basis.flatMap((basis) => paragraph(basisText(basis), '  -> ', '     ')),
      '',
    ]),
  ]
}

function details(comparison: Comparison, verdict: ComparedClaim['verdict'], title: string): string[] {
  const claims = comparison.claims.filter((claim) => claim.verdict === verdict)
  if (claims.length === 0) return []
  return [...heading(title, '-'), ...claims.flatMap((claim) => [...detail(claim), ''])]
}

function detail(claim: ComparedClaim): string[] {
  const head = [...paragraph(`* ${claim.id}: ${claim.title}`, '', '  '), ...paragraph(claim.reason, '  ')]
  if (claim.verdict !== 'differ') return head
  return [
    ...head,
    ...field('predicted', claim.predicted === undefined ? 'nothing' : cut(valueText(claim.predicted), VALUE_LIMIT), '  '),
    ...field('guest', cut(sideText(claim.guest), VALUE_LIMIT), '  '),
    ...field('host', cut(sideText(claim.host), VALUE_LIMIT), '  '),
    ...claim.basis.flatMap((basis) => field('basis', basisText(basis), '  ')),
  ]
}

function timeline({ timeline: boots }: Comparison): string[] {
  if (boots === undefined) return []
  return [...heading('Timeline', '-'), ...timelineTables(boots).flatMap(({ title, rows }) => [title, ...alignedRows(rows), ''])]
}

function alignedRows(rows: Rows): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => columns(visible(row[column] ?? '')))))
  return rows.flatMap((row) => {
    const line = row
      .map((cell, column) => visible(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
    return columns(line) + 2 <= TEXT_WIDTH
      ? [`  ${line}`]
      : paragraph(row.filter((cell) => cell !== '').join('  '), '  ', '      ')
  })
}

function allClaims(comparison: Comparison): string[] {
  return hopsOf(comparison).flatMap((hop) => [
    ...heading(`Claims, ${hopTitle(comparison, hop).replace(' · ', ': ')}`, '-'),
    ...familiesOf(comparison, hop).flatMap(({ family, claims }) => [
      ...paragraph(family),
      ...claims.flatMap((claim) => paragraph(claimName(claim), `  ${claim.verdict.padEnd(12)} `, ' '.repeat(15))),
    ]),
    '',
  ])
}

function evidence(comparison: Comparison, extras: ReportExtras): string[] {
  const bytes = extras.rawFiles.reduce((sum, raw) => sum + raw.size, 0)
  return [
    ...heading('Evidence', '-'),
    ...paragraph(`QEMU: ${qemuCommand(extras.observation.environment.qemu).join(' ')}`, '', '  '),
    '',
    ...paragraph(
      `${extras.rawFiles.length} raw captures with ${bytes} bytes together; observation.json lists each with its SHA-256.`,
    ),
    '',
    ...(extras.serialTail.length === 0 || comparison.summary.run === 'agreed'
      ? []
      : [
          'Last lines of the serial console:',
          ...extras.serialTail.slice(-SERIAL_LINES).flatMap((line) => paragraph(line, '  ')),
        ]),
  ]
}
