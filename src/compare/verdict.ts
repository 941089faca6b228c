import type { ResolvedClaim, Side, Verdict } from '../shared/documents/index.ts'
import { sameJson, type Json } from '../shared/json.ts'
import { describeDifference, firstDifference } from './difference.ts'
import { hasValue } from './side.ts'

export interface Judgement {
  readonly verdict: Verdict
  /** One sentence that a person can act on. */
  readonly reason: string
}

/**
 * The verdict of one claim. A match needs a predicted value and at least one value that was read, and every value that
 * was read must equal it. Guest and host that contradict each other are a difference even where nothing was predicted.
 */
export function judge(claim: Pick<ResolvedClaim, 'predicted' | 'unpredicted'>, guest: Side, host: Side): Judgement {
  const contradiction = contradictionOf(guest, host)
  const { predicted } = claim
  if (claim.unpredicted !== undefined || predicted === undefined) {
    const why = claim.unpredicted?.reason ?? 'the prediction holds no value'
    if (contradiction !== undefined) return { verdict: 'differ', reason: `${contradiction}; nothing was predicted: ${why}` }
    const missing = claim.unpredicted?.kind === 'given-missing'
    return missing ? { verdict: 'unobserved', reason: `cannot be predicted: ${why}` } : { verdict: 'unpredicted', reason: why }
  }
  if (!hasValue(guest) && !hasValue(host)) return { verdict: 'unobserved', reason: bothReasons(guest, host) }
  const differing = differences(predicted, guest, host)
  if (differing.length > 0) return { verdict: 'differ', reason: joined(differing, contradiction) }
  return { verdict: 'match', reason: agreement(guest, host) }
}

/** What differs from the prediction, side by side; said once where both show the same. */
function differences(predicted: Json, guest: Side, host: Side): string[] {
  const [ofGuest, ofHost] = [guest, host].map((side) => {
    const difference = hasValue(side) ? firstDifference(predicted, side.value) : undefined
    return difference && describeDifference(difference)
  })
  if (ofGuest !== undefined && ofGuest === ofHost) return [`guest and host: ${ofGuest}`]
  return [...(ofGuest === undefined ? [] : [`guest: ${ofGuest}`]), ...(ofHost === undefined ? [] : [`host: ${ofHost}`])]
}

function contradictionOf(guest: Side, host: Side): string | undefined {
  if (!hasValue(guest) || !hasValue(host) || sameJson(guest.value, host.value)) return undefined
  const difference = firstDifference(host.value, guest.value)
  if (difference === undefined) return undefined
  return `guest and host contradict each other: ${describeDifference(difference, 'the host shows')}`
}

const joined = (differing: readonly string[], contradiction: string | undefined): string =>
  [...differing, ...(contradiction === undefined ? [] : [contradiction])].join('; ')

function agreement(guest: Side, host: Side): string {
  if (hasValue(guest) && hasValue(host)) return 'guest and host both show the predicted value'
  if (hasValue(guest)) return `the guest shows the predicted value; host: ${reasonOf(host)}`
  return `the host shows the predicted value; guest: ${reasonOf(guest)}`
}

const reasonOf = (side: Side): string =>
  hasValue(side) ? 'a value' : 'unobserved' in side ? side.unobserved : 'no value was given'

const bothReasons = (guest: Side, host: Side): string =>
  reasonOf(guest) === reasonOf(host) ? reasonOf(guest) : `guest: ${reasonOf(guest)}; host: ${reasonOf(host)}`
