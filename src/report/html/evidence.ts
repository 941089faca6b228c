import type { Blob, Comparison, HopObservation, Observation } from '../../shared/documents/index.ts'
import type { RawFile, ReportExtras } from '../report.ts'
import { html } from '../visible.ts'
import { qemuCommand, sealedText } from '../words.ts'
import { hexdump } from './values.ts'

/** Binary captures up to this many bytes are shown as a hexdump. */
const SHOW = 4096

/** Everything that the verdicts rest on: captures, command line, digests, messages, console. */
export function evidenceSection(comparison: Comparison, extras: ReportExtras): string {
  return [
    '<section id="evidence"><h2>Evidence</h2>',
    '<h3>Documents</h3>',
    documents(comparison, extras),
    '<h3>QEMU</h3>',
    `<pre>${commandLine(extras.observation)}</pre>`,
    '<h3>Kernel command lines</h3>',
    `<pre>${extras.prediction.cmdlines.map((line, hop) => `${hop}: ${html(line)}`).join('\n')}</pre>`,
    phases(extras.observation),
    captures(extras),
    ...extras.observation.hops.map((hop) =>
      hop.guest.khoMessages.ok
        ? `<details><summary>KHO messages, hop ${hop.hop}</summary><pre>${hop.guest.khoMessages.value.map(html).join('\n')}</pre></details>`
        : '',
    ),
    ...extras.observation.hops.map(selftestEvidence),
    lostEvidence(extras.observation),
    serial(extras.serialTail),
    '</section>',
  ].join('\n')
}

function documents(comparison: Comparison, extras: ReportExtras): string {
  const rows: [string, string, string][] = [
    ['experiment', comparison.experiment.sha256, comparison.experiment.name],
    ['prediction', comparison.prediction.sha256, `fixed at ${sealedText(comparison)}; model ${extras.prediction.model.version}`],
    ...comparison.resolutions.map(
      ({ hop, sha256, at }) =>
        [`resolution, hop ${hop}`, sha256, `rules applied to measured values at ${at}`] satisfies [string, string, string],
    ),
    ...extras.prediction.kernels.flatMap((kernel, hop) => [
      [`bzImage, boot ${hop}`, kernel.bzImageSha256, kernel.release] satisfies [string, string, string],
      [`kernel config, boot ${hop}`, kernel.configSha256 ?? 'not known', ''] satisfies [string, string, string],
    ]),
    ...(comparison.environment.image.manifestSha256 === undefined
      ? []
      : [
          ['image manifest', comparison.environment.image.manifestSha256, comparison.environment.image.id] satisfies [
            string,
            string,
            string,
          ],
        ]),
  ]
  const body = rows.map(
    ([name, digest, note]) => `<tr><td>${html(name)}</td><td class="mono">${html(digest)}</td><td>${html(note)}</td></tr>`,
  )
  return `<table><thead><tr><th>What</th><th>SHA-256</th><th></th></tr></thead><tbody>${body.join('')}</tbody></table>`
}

/** One option with its argument per line. */
function commandLine(observation: Observation): string {
  const [binary = '', ...argv] = qemuCommand(observation.environment.qemu)
  const lines: string[] = []
  for (const word of argv) {
    const last = lines.at(-1)
    if (word.startsWith('-') || last === undefined || last.includes(' ')) lines.push(shellWord(word))
    else lines[lines.length - 1] = `${last} ${shellWord(word)}`
  }
  return [binary, ...lines.map((line) => `  ${line}`)].map(html).join(' \\\n')
}

const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function phases(observation: Observation): string {
  const rows = observation.hops.map(
    (hop) =>
      `<tr><td>hop ${hop.hop}</td>${hop.phases.map(({ phase, ms }) => `<td><span class="muted">${phase}</span> <span class="mono">${(ms / 1000).toFixed(2)} s</span></td>`).join('')}</tr>`,
  )
  return rows.length === 0 ? '' : `<h3>Phases</h3><table><tbody>${rows.join('')}</tbody></table>`
}

function captures(extras: ReportExtras): string {
  const inline = new Map(
    blobsOf(extras.observation).flatMap((blob) => (blob.hex === undefined ? [] : [[blob.sha256, blob.hex] as const])),
  )
  const rows = extras.rawFiles.map(
    (raw) =>
      `<tr><td class="mono">${html(raw.file)}</td><td class="mono">${raw.size}</td><td class="mono">${html(raw.sha256)}</td><td>${dump(raw, inline)}</td></tr>`,
  )
  return (
    '<h3>Raw captures</h3><table><thead><tr><th>File</th><th>Bytes</th><th>SHA-256</th><th>Content</th></tr></thead>' +
    `<tbody>${rows.join('') || '<tr><td colspan="4" class="none">none were kept</td></tr>'}</tbody></table>`
  )
}

function dump(raw: RawFile, inline: ReadonlyMap<string, string>): string {
  const hex = raw.hex ?? inline.get(raw.sha256)
  if (hex === undefined || raw.size === 0) return `<span class="none">${raw.size === 0 ? 'empty' : 'in the run folder'}</span>`
  const text = textOf(hex)
  if (text !== undefined) return `<details><summary>text</summary><pre>${text.split('\n').map(html).join('\n')}</pre></details>`
  if (raw.size > SHOW) return '<span class="none">in the run folder</span>'
  return `<details><summary>hexdump</summary><pre>${hexdump(hex)}</pre></details>`
}

/** The bytes as text when they are printable ASCII with line feeds and tabs and nothing else. */
function textOf(hex: string): string | undefined {
  if (!/^(?:0[9a]|[2-6].|7[0-9a-e])+$/.test(hex)) return undefined
  return hex.replaceAll(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16)))
}

/** Blobs of an observation that may be inline; a capture with the same hash has the same bytes. */
function blobsOf(observation: Observation): Blob[] {
  return observation.hops.flatMap(({ guest, host }) => [
    ...[guest.outFdt, guest.inFdt, guest.bootParams].flatMap((reading) => (reading.ok ? [reading.value] : [])),
    ...[guest.outSubtrees, guest.inSubtrees].flatMap((reading) => (reading.ok ? Object.values(reading.value) : [])),
    ...(guest.setupData.ok ? guest.setupData.value.map(({ data }) => data) : []),
    ...[host.outRoot, host.inRoot].flatMap((reading) =>
      reading?.ok === true
        ? [reading.value.blob, ...reading.value.subtrees.flatMap(({ blob }) => (blob.ok ? [blob.value] : []))]
        : [],
    ),
  ])
}

/** All that a test program of the kernel printed, its KTAP included. */
function selftestEvidence({ hop, selftest }: HopObservation): string {
  if (selftest?.ok !== true) return ''
  const { command, exitCode, output } = selftest.value
  return `<details><summary>Selftest, hop ${hop}: ${html(command)} ended with ${exitCode}</summary><pre>${html(output)}</pre></details>`
}

function lostEvidence({ lost }: Observation): string {
  if (lost === undefined) return ''
  return `<h3>Why the run ended early</h3><p>${html(lost.message)} <code>${html(lost.code)}</code></p><pre>${lost.evidence.map(html).join('\n')}</pre>`
}

function serial(lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `<details><summary>Last ${lines.length} lines of the serial console</summary><pre>${lines.map(html).join('\n')}</pre></details>`
}
