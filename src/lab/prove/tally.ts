import type { Basis, Comparison, Verdict } from '../../shared/documents/index.ts'

/** How one drawn experiment ended. */
export interface Trial {
  readonly index: number
  readonly name: string
  readonly seconds: number
  readonly end:
    | { readonly kind: 'compared'; readonly comparison: Pick<Comparison, 'claims' | 'lost' | 'ended'> }
    /** Nothing was started. */
    | { readonly kind: 'failed'; readonly code: string; readonly message: string }
}

export type Counts = { readonly claims: number } & { readonly [V in Verdict]: number }

/** A claim that does not match, and why. */
export interface OpenClaim {
  readonly experiment: number
  readonly claim: string
  readonly verdict: Exclude<Verdict, 'match'>
  readonly cause: string
  /** The functions that the prediction follows from: where to look for the reason of a difference. */
  readonly basis: readonly Basis[]
}

export interface Proof extends Counts {
  readonly seed: number
  /** Experiments that were asked for, and those that were run. */
  readonly count: number
  readonly experiments: number
  /** Ran to their end, or to a refusal that was predicted, and nothing differed. */
  readonly withoutDiffer: number
  /** Of these, how many ended with a kexec that was predicted to be refused. */
  readonly refused: number
  readonly lost: readonly { readonly experiment: number; readonly why: string }[]
  readonly families: { readonly [family: string]: Counts }
  readonly open: readonly OpenClaim[]
  readonly seconds: number
}

const NONE: Counts = { claims: 0, match: 0, differ: 0, unobserved: 0, unpredicted: 0 }
const plus = (counts: Counts, verdict: Verdict): Counts => ({
  ...counts,
  claims: counts.claims + 1,
  [verdict]: counts[verdict] + 1,
})

/** Adds up trials in the order of their index. A run that was lost keeps the verdicts of what it had shown. */
export function tally(seed: number, count: number, trials: readonly Trial[]): Proof {
  const inOrder = [...trials].sort((a, b) => a.index - b.index)
  let total = NONE
  const families = new Map<string, Counts>()
  const open: OpenClaim[] = []
  for (const { index, end } of inOrder) {
    if (end.kind === 'failed') continue
    for (const { id, family, verdict, reason, basis } of end.comparison.claims) {
      total = plus(total, verdict)
      families.set(family, plus(families.get(family) ?? NONE, verdict))
      if (verdict !== 'match') open.push({ experiment: index, claim: id, verdict, cause: reason, basis })
    }
  }
  const lost = inOrder.flatMap(({ index, end }) => {
    const why = end.kind === 'failed' ? `${end.code}: ${end.message}` : end.comparison.lost
    return why === undefined ? [] : [{ experiment: index, why }]
  })
  const ended = inOrder.flatMap(({ end }) =>
    end.kind === 'compared' && end.comparison.lost === undefined ? [end.comparison] : [],
  )
  const good = ended.filter(({ claims }) => claims.every(({ verdict }) => verdict !== 'differ'))
  return {
    seed,
    count,
    experiments: trials.length,
    withoutDiffer: good.length,
    refused: ended.filter((comparison) => comparison.ended !== undefined).length,
    ...total,
    lost,
    families: Object.fromEntries([...families].sort(([a], [b]) => (a < b ? -1 : 1))),
    open,
    seconds: Math.round(trials.reduce((sum, { seconds }) => sum + seconds, 0)),
  }
}

/** Aligned text of a proof: the totals, the families, what was lost, what differs, and reasons with how often they were given. */
export function proofText(proof: Proof): string {
  const { seed, experiments, count, withoutDiffer, refused, lost, open, families } = proof
  const row = (name: string, counts: Counts): string =>
    `${name.padEnd(12)}${[counts.claims, counts.match, counts.differ, counts.unobserved, counts.unpredicted].map((n) => String(n).padStart(12)).join('')}`
  const differ = open.filter(({ verdict }) => verdict === 'differ')
  return [
    `seed ${seed}: ${experiments} of ${count} experiments, ${withoutDiffer} without any difference, ${lost.length} lost, ${refused} ended by a kexec that was to be refused and was`,
    '',
    `${''.padEnd(12)}${['claims', 'match', 'differ', 'unobserved', 'unpredicted'].map((title) => title.padStart(12)).join('')}`,
    row('all', proof),
    ...Object.entries(families).map(([family, counts]) => row(family, counts)),
    ...section(
      'Lost',
      lost.map(({ experiment, why }) => `experiment ${experiment}: ${why}`),
    ),
    ...section(
      'What differs',
      differ.flatMap(({ experiment, claim, cause, basis }) => [
        `experiment ${experiment}, ${claim}: ${cause}`,
        `  look at ${[...new Set(basis.map((each) => `${each.function} (${each.file})`))].slice(0, 4).join(', ')}`,
      ]),
    ),
    ...section('Not observed', reasons(open.filter(({ verdict }) => verdict === 'unobserved'))),
    ...section('Not predicted', reasons(open.filter(({ verdict }) => verdict === 'unpredicted'))),
    '',
  ].join('\n')
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)]

/** `3 x scratch.addresses: why (experiments 1, 4, 9)`. */
function reasons(open: readonly OpenClaim[]): readonly string[] {
  const by = new Map<string, number[]>()
  for (const { claim, cause, experiment } of open) {
    const key = `${claim.replace(/^hop\d+\./, '')}: ${cause}`
    by.set(key, [...(by.get(key) ?? []), experiment])
  }
  return [...by]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(
      ([key, experiments]) => `${experiments.length} x ${key} (experiments ${[...new Set(experiments)].slice(0, 8).join(', ')})`,
    )
}
