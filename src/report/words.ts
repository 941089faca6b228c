import type { ComparedClaim, Comparison, Finding, RunVerdict, Side, Verdict } from '../shared/documents/index.ts'
import { canonicalJson, type Json } from '../shared/json.ts'

export const VERDICTS: readonly Verdict[] = ['differ', 'unobserved', 'unpredicted', 'match']

/** The run's verdict as a sentence with its numbers. */
export function verdictSentence(comparison: Comparison): string {
  const { summary } = comparison
  const total = comparison.claims.length
  const counts =
    `${summary.match} of ${total} claims match, ${summary.differ} differ, ` +
    `${summary.unobserved} not observed, ${summary.unpredicted} not predicted.`
  const end = comparison.ended === undefined ? '' : ` Run ended early: ${comparison.ended}.`
  return [`${RUN_WORDS[summary.run]} ${counts}`, ...(comparison.outcomes ?? [])].join(' ') + end
}

const RUN_WORDS: Readonly<Record<RunVerdict, string>> = {
  agreed: 'Guest and host show what was predicted.',
  disagreed: 'The kernel did not do what was predicted.',
  incomplete: 'Not everything that was predicted was observed.',
  lost: 'The guest did not reach the end of the run.',
}

export const FINDING_WORDS: Readonly<Record<Finding['status'], string>> = {
  confirmed: 'confirmed',
  refuted: 'refuted',
  'not-observed': 'not observed',
}

/** A boot in words: hop 0 is the first boot, hop h what the h-th kexec started. A look at a machine shows the boot it is in. */
export function hopTitle({ environment }: Pick<Comparison, 'environment'>, hop: number): string {
  if (environment.attached !== undefined) return 'Attached · the boot that was running'
  return hop === 0 ? 'Hop 0 · first boot' : `Hop ${hop} · after kexec ${hop}`
}

/** When the prediction was fixed, and that it was before anything could be seen. */
export const sealedText = ({ prediction, environment }: Comparison): string =>
  environment.attached === undefined
    ? `${prediction.at}, before the guest started`
    : `${prediction.at}, from the machine's arguments, before anything was read`

/** How a machine was reached that the lab did not start; nothing for a run. */
export function attachedRows({ environment: { attached } }: Comparison): readonly [string, string][] {
  if (attached === undefined) return []
  const process = attached.pid === undefined ? 'a process that is not known' : `process ${attached.pid}`
  return [
    [
      'Attached',
      `${process}${attached.name === undefined ? '' : ` (${attached.name})`}; not started by the lab, neither stopped nor changed`,
    ],
    ['RAM', attached.ram.join('; ')],
    ['Monitor', attached.monitor],
    ['Guest', attached.guest],
  ]
}

/** One line of text for a value: strings as they are, everything else as JSON with sorted keys. */
export const valueText = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value))

export const sideText = (side: Side): string => ('value' in side ? valueText(side.value) : `not observed: ${side.unobserved}`)

export const basisText = (basis: ComparedClaim['basis'][number]): string => `${basis.function} (${basis.file}, ${basis.release})`

export const hopsOf = (comparison: Comparison): number[] =>
  [...new Set(comparison.claims.map((claim) => claim.hop))].sort((a, b) => a - b)

/** Claims of one hop by family, in the order in which they were made. */
export function familiesOf(comparison: Comparison, hop: number): { family: string; claims: ComparedClaim[] }[] {
  const families = new Map<string, ComparedClaim[]>()
  for (const claim of comparison.claims) {
    if (claim.hop === hop) families.set(claim.family, [...(families.get(claim.family) ?? []), claim])
  }
  return [...families].map(([family, claims]) => ({ family, claims }))
}

/** Text cut to `limit` characters, saying how much there is. */
export const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`

/** The whole command line of QEMU, the program first. */
export const qemuCommand = ({ binary, argv }: Comparison['environment']['qemu']): readonly string[] =>
  argv[0] === binary ? argv : [binary, ...argv]

/** Milliseconds between the start and the end of the run, as seconds with one decimal. */
export function durationText(comparison: Comparison): string {
  const { startedAt, endedAt } = comparison.environment
  return `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`
}
