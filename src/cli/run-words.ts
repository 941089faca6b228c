import type { RunEvent } from '../shared/contract.ts'
import type { ComparedClaim, Finding, Summary } from '../shared/documents/index.ts'
import { visible } from '../shared/visible.ts'
import type { Terminal } from './terminal.ts'
import { wrapped } from './text-width.ts'

const PHASES: Readonly<Record<Extract<RunEvent, { type: 'phase' }>['phase'], string>> = {
  firmware: 'firmware done',
  kernel: 'kernel speaks',
  init: '/init runs',
  ssh: 'ssh answers',
  debugfs: 'KHO debugfs read',
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`.padStart(8)
const boot = (hop: number): string => (hop === 0 ? 'boot ' : `hop ${hop}`)

/** One line for an event of a run, or nothing for those that have a place of their own (serial output, the end). */
export function eventLine(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'predicted':
      return `predicted: ${event.claims} claims, sha256 ${event.sha256.slice(0, 16)}`
    case 'started':
      return `QEMU started, accelerator ${event.accelerator}: ${event.why}`
    case 'phase':
      return `${boot(event.hop)}  ${seconds(event.ms)}  ${PHASES[event.phase]}`
    case 'step':
      return `${boot(event.hop)}            ${event.text}`
    case 'serial':
    case 'qemu':
    case 'held':
    case 'finished':
    case 'failed':
      return undefined
  }
}

const MEANING: Readonly<Record<Summary['run'], { readonly colour: 'green' | 'red' | 'yellow'; readonly words: string }>> = {
  agreed: { colour: 'green', words: 'the kernel did what was predicted' },
  disagreed: { colour: 'red', words: 'the kernel did something else than predicted' },
  incomplete: { colour: 'yellow', words: 'something predicted was not observed' },
  lost: { colour: 'yellow', words: 'the guest did not reach the end' },
}

/** `AGREED: the kernel did what was predicted (61 match, 0 differ, …)`. */
export function verdictLine(summary: Summary, paint: Terminal['paint']): string {
  const { colour, words } = MEANING[summary.run]
  const counts = `${summary.match} match, ${summary.differ} differ, ${summary.unobserved} unobserved, ${summary.unpredicted} unpredicted`
  return `${paint(colour, summary.run.toUpperCase())}: ${words} (${counts})`
}

const STATUS: Readonly<Record<Finding['status'], string>> = {
  confirmed: 'confirmed here',
  refuted: 'not so here',
  'not-observed': 'not observed',
}

/** Findings with what guest and host each showed, wrapped to `columns`. */
export function findingLines(findings: readonly Finding[], columns: number): readonly string[] {
  if (findings.length === 0) return []
  const lines = findings.flatMap((finding) => [
    `  ${finding.title} [hop ${finding.hop}, ${STATUS[finding.status]}]`,
    ...wrapped(visible(finding.words), columns - 4).map((line) => `    ${line}`),
  ])
  return ['Findings (defects of the kernel that the model knows):', ...lines]
}

/** Boots that ran without KHO: predicted or not, whoever asked for KHO wants to know. */
export const noteLines = (claims: readonly ComparedClaim[]): readonly string[] =>
  claims
    .filter((claim) => claim.subject === 'boot.kho' && 'value' in claim.guest && claim.guest.value === false)
    .map(
      ({ hop, verdict, title }) =>
        `note: ${hop === 0 ? 'first boot' : `hop ${hop}`}: ${verdict === 'match' ? title : 'KHO is not on, which was not predicted: kho-lab doctor --kernel FILE tells what the configuration lacks'}`,
    )
