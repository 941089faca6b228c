import { claimName } from '../shared/claim-name.ts'
import type { ComparedClaim, Comparison } from '../shared/documents/index.ts'
import type { Render, ReportExtras } from './report.ts'
import { timelineTables } from './timeline-rows.ts'
import { markdown, markdownCode } from './visible.ts'
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

const VALUE_LIMIT = 160

/** GitHub-flavoured Markdown: tables for the claims, everything from the guest escaped. */
export const renderMarkdown: Render = (comparison, extras) =>
  [
    `# kho-lab: ${markdown(comparison.experiment.name)}`,
    '',
    `**${comparison.summary.run}** — ${verdictSentence(comparison)}`,
    '',
    ...(comparison.lost === undefined ? [] : [`Lost: ${markdown(comparison.lost)}`, '']),
    ...facts(comparison, extras),
    ...findings(comparison),
    ...short(comparison, 'differ', 'What differs'),
    ...short(comparison, 'unobserved', 'What was not observed'),
    ...short(comparison, 'unpredicted', 'What is not predicted'),
    ...timeline(comparison),
    ...hopsOf(comparison).flatMap((hop) => claimTable(comparison, hop)),
    ...evidence(extras),
  ].join('\n') + '\n'

/** A GitHub table; the cells are Markdown already. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => (cell === '' ? ' ' : cell)).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line), '']
}

function facts(comparison: Comparison, extras: ReportExtras): string[] {
  const { environment } = comparison
  return table(
    ['', ''],
    [
      ['Kernel', markdownCode(environment.image.kernelVersion)],
      ['Package', markdown(environment.image.kernelPackage ?? 'not from a package')],
      ['Config', markdownCode(extras.prediction.kernels[0]?.configSha256 ?? 'not known')],
      ['QEMU', markdown(environment.qemu.version)],
      ['Accelerator', `**${environment.accelerator.used}** (${markdown(environment.accelerator.why)})`],
      ['Host', markdown(`${environment.host.cpuModel}, Linux ${environment.host.kernel}`)],
      ...attachedRows(comparison).map(([name, text]): [string, string] => [name, markdown(text)]),
      ['Predicted', `${markdownCode(comparison.prediction.sha256)} at ${markdown(sealedText(comparison))}`],
      ['Run', `${environment.startedAt}, ${durationText(comparison)}`],
    ],
  )
}

function findings(comparison: Comparison): string[] {
  if (comparison.findings.length === 0) return []
  return [
    '## Findings',
    '',
    'Defects of the kernel that the model knows and predicts as the kernel behaves.',
    '',
    ...table(
      ['Finding', 'Status', 'Hop', 'What guest and host showed', 'Basis'],
      comparison.findings.map((finding) => [
        markdown(finding.title),
        FINDING_WORDS[finding.status],
        String(finding.hop),
        markdown(finding.words),
        finding.basis.map((basis) => markdown(basisText(basis))).join('<br>'),
      ]),
    ),
  ]
}

function short(comparison: Comparison, verdict: ComparedClaim['verdict'], title: string): string[] {
  const claims = comparison.claims.filter((claim) => claim.verdict === verdict)
  if (claims.length === 0) return []
  return [
    `## ${title}`,
    '',
    ...claims.map((claim) => `- **${markdown(claim.id)}** ${markdown(claim.title)}: ${markdown(claim.reason)}`),
    '',
  ]
}

function timeline({ timeline: boots }: Comparison): string[] {
  if (boots === undefined) return []
  return [
    '## Timeline',
    '',
    ...timelineTables(boots).flatMap(({ title, rows: [head = [], ...rows] }) => [
      `### ${title}`,
      '',
      ...table(
        head.map(markdown),
        rows.map((row) => row.map(markdown)),
      ),
    ]),
  ]
}

function claimTable(comparison: Comparison, hop: number): string[] {
  return [
    `## ${hopTitle(comparison, hop)}`,
    '',
    ...table(
      ['Claim', 'Verdict', 'Predicted', 'Guest', 'Host', 'Basis'],
      familiesOf(comparison, hop).flatMap(({ claims }) =>
        claims.map((claim) => [
          markdownCode(claimName(claim)),
          claim.verdict === 'differ' ? '**differ**' : claim.verdict,
          claim.predicted === undefined ? '—' : markdownCode(cut(valueText(claim.predicted), VALUE_LIMIT)),
          sideCell(claim.guest),
          sideCell(claim.host),
          claim.basis.map((basis) => markdownCode(basis.function)).join(' '),
        ]),
      ),
    ),
  ]
}

const sideCell = (side: ComparedClaim['guest']): string =>
  'value' in side ? markdownCode(cut(valueText(side.value), VALUE_LIMIT)) : markdown(sideText(side))

function evidence(extras: ReportExtras): string[] {
  return [
    '## Evidence',
    '',
    `QEMU: ${markdownCode(qemuCommand(extras.observation.environment.qemu).join(' '))}`,
    '',
    `<details><summary>${extras.rawFiles.length} raw captures</summary>`,
    '',
    ...table(
      ['Capture', 'Bytes', 'SHA-256'],
      extras.rawFiles.map((raw) => [markdownCode(raw.file), String(raw.size), markdownCode(raw.sha256)]),
    ),
    '</details>',
  ]
}
