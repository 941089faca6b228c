import type { PredictedClaim, ResolvedClaim } from '../../shared/documents/index.ts'
import { canonicalJson } from '../../shared/json.ts'

/**
 * Claims of boots that go one way or the other, as the claim `id` turns out: what both have is claimed once and for all, the rest under
 * its condition. By boot, and within one in the order of the lists.
 */
export function eitherWay(id: string, ifTrue: readonly PredictedClaim[], ifFalse: readonly PredictedClaim[]): PredictedClaim[] {
  const [ofTrue, ofFalse] = [ifTrue, ifFalse].map((claims) => new Set(claims.map((claim) => canonicalJson(claim))))
  const on = (is: boolean, claim: PredictedClaim): PredictedClaim => ({
    ...claim,
    onlyIf: [{ claim: id, is }, ...(claim.onlyIf ?? [])],
  })
  const first = ifTrue.map((claim) => (ofFalse?.has(canonicalJson(claim)) === true ? claim : on(true, claim)))
  const second = ifFalse.flatMap((claim) => (ofTrue?.has(canonicalJson(claim)) === true ? [] : [on(false, claim)]))
  return [...first, ...second].sort((a, b) => a.hop - b.hop)
}

/** Claims whose condition is met. One that no claim decides counts as true: then that claim says why it is open. */
export function applicable(
  claims: readonly PredictedClaim[],
  resolved: (claim: PredictedClaim) => ResolvedClaim,
): PredictedClaim[] {
  const decisions = new Map<string, boolean>()
  const decided = (id: string): boolean => {
    const known = decisions.get(id)
    if (known !== undefined) return known
    const claim = claims.find((candidate) => candidate.id === id && applies(candidate))
    const value = claim === undefined || resolved(claim).predicted !== false
    decisions.set(id, value)
    return value
  }
  const applies = ({ onlyIf = [] }: PredictedClaim): boolean => onlyIf.every(({ claim, is }) => decided(claim) === is)
  return claims.filter(applies)
}
