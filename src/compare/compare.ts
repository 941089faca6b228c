import type { ComparedClaim, Comparison, Observation, ResolvedClaim } from '../shared/documents/index.ts'
import { findingsOf } from './findings.ts'
import { observe } from './observers/index.ts'
import { outcomesOf } from './outcomes.ts'
import { summarize } from './summary.ts'
import { timelineOf } from './timeline.ts'
import { judge } from './verdict.ts'

/** What the comparison records beside its claims: which documents it joins, and when they were fixed. */
export type ComparisonMeta = Pick<Comparison, 'experiment' | 'prediction' | 'resolutions'>

/**
 * Joins resolved claims with what was observed. The values of both sides come from the observation alone.
 * A hop that was not observed leaves its claims unobserved; a lost run keeps the verdicts of what it had shown. A run that ended
 * where and how the prediction says went to its end: boots that are not to be have no claims.
 */
export function compare(resolved: readonly ResolvedClaim[], observation: Observation, meta: ComparisonMeta): Comparison {
  const all = resolved.map((claim) => compareClaim(claim, observation))
  const end = observation.lost === undefined ? undefined : all.find((claim) => endWords(claim) !== undefined)
  const claims = end === undefined ? all : all.filter((claim) => claim.hop < end.hop || claim === end)
  const ended = end === undefined ? undefined : endWords(end)
  const lost = end === undefined ? observation.lost : undefined
  const outcomes = outcomesOf(claims, observation)
  return {
    document: 'kho-lab/comparison',
    version: 1,
    experiment: meta.experiment,
    prediction: meta.prediction,
    resolutions: meta.resolutions,
    environment: observation.environment,
    summary: summarize(claims, lost !== undefined),
    claims,
    findings: findingsOf(claims, observation),
    ...(outcomes.length === 0 ? {} : { outcomes: [...outcomes] }),
    ...(observation.hops.length > 1 ? { timeline: timelineOf(observation) } : {}),
    ...(lost === undefined ? {} : { lost: lostSentence(lost) }),
    ...(ended === undefined ? {} : { ended }),
  }
}

/** What a claim says that predicts the end of the run, and was right; undefined for any other. */
function endWords({ subject, verdict, predicted, hop }: ComparedClaim): string | undefined {
  if (verdict !== 'match' || predicted === undefined || predicted === null || typeof predicted !== 'object') return undefined
  if (subject === 'kexec.load' && 'accepted' in predicted && predicted.accepted === false)
    return `boot ${hop - 1} refused to load the next kernel, as predicted; nothing is claimed of boots that did not come`
  if (subject === 'boot.outcome' && 'how' in predicted && (predicted.how === 'panic' || predicted.how === 'halted'))
    return `boot ${hop} ${predicted.how === 'panic' ? 'panicked' : 'halted'}, as predicted; nothing is claimed of boots that did not come`
  return undefined
}

/** Why a run ended early: `boot 1 (phase kernel): the guest panicked`. */
const lostSentence = (lost: NonNullable<Observation['lost']>): string =>
  `boot ${lost.hop}${lost.phase === undefined ? '' : ` (phase ${lost.phase})`}: ${lost.message}`

function compareClaim(claim: ResolvedClaim, observation: Observation): ComparedClaim {
  const { guest, host } = observe(claim.subject, { claim, observation })
  const { verdict, reason } = judge(claim, guest, host)
  return {
    id: claim.id,
    subject: claim.subject,
    family: claim.family,
    hop: claim.hop,
    title: claim.title,
    ...(claim.predicted === undefined ? {} : { predicted: claim.predicted }),
    guest,
    host,
    verdict,
    reason,
    basis: claim.basis,
    given: claim.givenValues,
    ...(claim.finding === undefined ? {} : { finding: claim.finding }),
  }
}
