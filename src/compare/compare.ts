import type { ComparedClaim, Comparison, Observation, ResolvedClaim } from '../shared/documents/index.ts'
import { findingsOf } from './findings.ts'
import { observe } from './observers/index.ts'
import { summarize } from './summary.ts'
import { judge } from './verdict.ts'

/** What the comparison records beside its claims: which documents it joins, and when they were fixed. */
export type ComparisonMeta = Pick<Comparison, 'experiment' | 'prediction' | 'resolutions'>

/**
 * Joins resolved claims with what was observed. The values of both sides come from the observation alone.
 * A hop that was not observed leaves its claims unobserved; a lost run keeps the verdicts of what it had shown.
 */
export function compare(resolved: readonly ResolvedClaim[], observation: Observation, meta: ComparisonMeta): Comparison {
  const claims = resolved.map((claim) => compareClaim(claim, observation))
  return {
    document: 'kho-lab/comparison',
    version: 1,
    experiment: meta.experiment,
    prediction: meta.prediction,
    resolutions: meta.resolutions,
    environment: observation.environment,
    summary: summarize(claims, observation.lost !== undefined),
    claims,
    findings: findingsOf(claims, observation),
    ...(observation.lost === undefined ? {} : { lost: lostSentence(observation.lost) }),
  }
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
