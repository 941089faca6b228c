import type { ComparedClaim, Comparison, Verdict } from '../../shared/documents/index.ts'
import { palette } from '../../shared/palette.ts'
import { describe, drawMap, LAYERS } from '../map/draw.ts'
import { lanesOf, type Lane } from '../map/lanes.ts'
import type { Render, ReportExtras } from '../report.ts'
import { html } from '../visible.ts'
import { attachedRows, basisText, durationText, FINDING_WORDS, hopsOf, hopTitle, sealedText, verdictSentence } from '../words.ts'
import { claimsSection, verdictMark } from './claims.ts'
import { evidenceSection } from './evidence.ts'
import { STYLE } from './style.ts'
import { timelineSection } from './timeline.ts'

/** Ranges of a hop's map that are listed as text. */
const RANGES = 2048

/** One self-contained file: no script, no request, every string of the guest escaped. The policy forbids what escaping would miss. */
export const renderHtml: Render = (comparison, extras) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${html(comparison.experiment.name)}: ${comparison.summary.run} – kho-lab</title>
<style>${STYLE}</style></head><body>
${navigation(comparison)}
<main>
${heading(comparison, extras)}
${findingsSection(comparison)}
${attention(comparison, 'differ', 'What differs')}
${attention(comparison, 'unobserved', 'What was not observed')}
${attention(comparison, 'unpredicted', 'What is not predicted')}
${timelineSection(comparison.timeline)}
${memorySection(comparison, extras)}
${claimsSection(comparison)}
${evidenceSection(comparison, extras)}
</main></body></html>
`

function navigation(comparison: Comparison): string {
  const has = (verdict: Verdict): boolean => comparison.summary[verdict] > 0
  const links = [
    ['verdict', 'Verdict', true],
    ['findings', 'Findings', comparison.findings.length > 0],
    ['differ', 'Differs', has('differ')],
    ['unobserved', 'Not observed', has('unobserved')],
    ['unpredicted', 'Not predicted', has('unpredicted')],
    ['timeline', 'Timeline', comparison.timeline !== undefined],
    ['memory', 'Memory', true],
    ...hopsOf(comparison).map((hop) => [`claims-hop${hop}`, `Claims hop ${hop}`, true] as const),
    ['evidence', 'Evidence', true],
  ] as const
  const shown = links.filter(([, , present]) => present).map(([id, text]) => `<a href="#${id}">${text}</a>`)
  return `<nav><div><b>kho-lab</b>${shown.join('')}</div></nav>`
}

function heading(comparison: Comparison, extras: ReportExtras): string {
  const { summary, environment } = comparison
  const counts = (['match', 'differ', 'unobserved', 'unpredicted'] as const).map(
    (verdict) => `<div><dt class="${verdict}">${verdictMark(verdict)}</dt><dd>${summary[verdict]}</dd></div>`,
  )
  const facts: [string, string][] = [
    ['Kernel', environment.image.kernelVersion],
    ['Package', environment.image.kernelPackage ?? 'not from a package'],
    ['Config', extras.prediction.kernels[0]?.configSha256 ?? 'not known'],
    ['QEMU', environment.qemu.version],
    ['Accelerator', `${environment.accelerator.used.toUpperCase()}: ${environment.accelerator.why}`],
    ['Host', `${environment.host.cpuModel}, ${environment.host.cpus} CPUs, Linux ${environment.host.kernel}`],
    ...attachedRows(comparison),
    ['Prediction', comparison.prediction.sha256],
    ['Predicted', sealedText(comparison)],
    ['Run', `${environment.startedAt}, ${durationText(comparison)}`],
    ['Lab', `kho-lab ${environment.lab.version}, Node ${environment.lab.node}, model ${extras.prediction.model.version}`],
  ]
  return [
    `<h1>${html(comparison.experiment.name)}</h1>`,
    `<section id="verdict"><div class="verdict ${summary.run}"><strong>${summary.run}</strong><span>${html(verdictSentence(comparison))}</span>`,
    comparison.lost === undefined ? '' : `<span class="differ">${html(comparison.lost)}</span>`,
    `</div><dl class="counts">${counts.join('')}</dl>`,
    `<dl class="facts">${facts.map(([name, text]) => `<div><dt>${name}</dt><dd${/^[0-9a-f]{64}$/.test(text) ? ' class="mono"' : ''}>${html(text)}</dd></div>`).join('')}</dl></section>`,
  ].join('\n')
}

function findingsSection(comparison: Comparison): string {
  if (comparison.findings.length === 0) return ''
  return [
    '<section id="findings"><h2>Findings</h2>',
    '<p class="muted">Defects of the kernel that the model knows. It predicts them as the kernel behaves, so a confirmed finding is a match.</p>',
    ...comparison.findings.map((finding) =>
      [
        `<div class="finding"><div><span class="tag s-${finding.status}">${FINDING_WORDS[finding.status]}</span></div>`,
        `<h3>${html(finding.title)} <a class="mono" href="#${html(finding.claim)}">${html(finding.claim)}</a></h3>`,
        `<p>${html(finding.words)}</p>`,
        `<div class="mono">${finding.basis.map((basis) => html(basisText(basis))).join('<br>')}</div></div>`,
      ].join(''),
    ),
    '</section>',
  ].join('\n')
}

function attention(comparison: Comparison, verdict: Verdict, title: string): string {
  const claims = comparison.claims.filter((claim) => claim.verdict === verdict)
  if (claims.length === 0) return ''
  const row = (claim: ComparedClaim): string =>
    `<li>${verdictMark(claim.verdict)}<a class="mono" href="#${html(claim.id)}">${html(claim.id)}</a><span>${html(claim.reason)}</span></li>`
  return `<section id="${verdict}"><h2>${title} <span class="muted">${claims.length}</span></h2><ul class="todo">${claims.map(row).join('\n')}</ul></section>`
}

function memorySection(comparison: Comparison, extras: ReportExtras): string {
  const legend = LAYERS.map((kind) => `<span><i class="k-${kind}"></i>${palette[kind].label}</span>`)
  return [
    '<section id="memory"><h2>Memory</h2>',
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
      '<rect width="2.2" height="5" style="fill:var(--k-difference)"/></pattern></defs></svg>',
    '<p class="muted">Guest physical address space. The lanes are not to scale: every stretch between two edges gets a width that grows with ' +
      'the logarithm of its size, so that a page can be seen beside gigabytes. The strip below them is to scale.</p>',
    `<div class="legend">${legend.join('')}</div>`,
    ...hopsOf(comparison).map((hop) => hopMap(lanesOf(comparison, extras, hop), hop, hopTitle(comparison, hop))),
    '</section>',
  ].join('\n')
}

function hopMap(lanes: readonly Lane[], hop: number, title: string): string {
  const notes = lanes
    .filter((lane) => lane.missing.length > 0)
    .map((lane) =>
      lane.name === 'difference'
        ? `not compared: ${lane.missing.join(', ')}`
        : `${lane.name} shows no ${lane.missing.join(', ')}`,
    )
  const rows = lanes.flatMap((lane) => lane.marks.map((mark) => `${lane.name.padEnd(10)} ${html(describe(mark))}`))
  const rest = rows.length > RANGES ? `\n… ${rows.length - RANGES} more` : ''
  return [
    `<h3>${title}</h3>`,
    `<div class="mapbox">${drawMap(lanes, `Memory map of hop ${hop}: predicted, guest, host and difference`)}`,
    notes.length === 0 ? '' : `<p class="muted">${html(notes.join('; '))}.</p>`,
    '</div>',
    `<details><summary>${rows.length} ranges as text</summary><pre>${rows.slice(0, RANGES).join('\n')}${rest}</pre></details>`,
  ].join('\n')
}
