import type { Givens, PredictedClaim, Prediction, ResolvedClaim } from '../shared/documents/index.ts'
import type { Json } from '../shared/json.ts'
import { applicable } from './claims/only-if.ts'
import { Once } from './once.ts'
import { localName, type RuleContext } from './rule.ts'
import { ruleOf } from './rules.ts'

/**
 * Applies the rules of a prediction to what the guest gave, of those claims that then apply. Nothing but the given values can change a claim's value here:
 * rule, inputs and the names of the givens were fixed when the prediction was made.
 */
export function resolve(prediction: Prediction, givens: Givens): ResolvedClaim[] {
  const { kernels, cmdlines } = prediction
  const context = { kernels, cmdlines, once: new Once() }
  const resolved = (claim: PredictedClaim): ResolvedClaim => resolveClaim(claim, givens, context)
  return applicable(prediction.claims, resolved).map(resolved)
}

function resolveClaim(claim: PredictedClaim, givens: Givens, context: RuleContext): ResolvedClaim {
  const { prediction } = claim
  switch (prediction.kind) {
    case 'value':
      return { ...claim, predicted: prediction.value, givenValues: {} }
    case 'unpredicted':
      return { ...claim, givenValues: {}, unpredicted: { kind: 'no-rule', reason: prediction.reason } }
    case 'rule':
      return resolveRule(claim, prediction, givens, context)
  }
}

function resolveRule(
  claim: PredictedClaim,
  prediction: Extract<PredictedClaim['prediction'], { kind: 'rule' }>,
  givens: Givens,
  context: RuleContext,
): ResolvedClaim {
  const found = new Map<string, Json>()
  for (const name of prediction.given) {
    const value = Object.hasOwn(givens, name) ? givens[name] : undefined
    if (value !== undefined) found.set(name, value)
  }
  const givenValues = Object.fromEntries(found)
  const missing = prediction.given.filter((name) => !found.has(name))
  if (missing.length > 0) {
    return { ...claim, givenValues, unpredicted: { kind: 'given-missing', reason: `not observed: ${missing.join(', ')}` } }
  }
  const rule = ruleOf(prediction.rule)
  if (rule === undefined)
    return {
      ...claim,
      givenValues,
      unpredicted: { kind: 'no-rule', reason: `this release of the model has no rule ${prediction.rule}` },
    }
  const local = Object.fromEntries([...found].map(([name, value]) => [localName(name), value]))
  const answer = rule.apply(prediction.inputs, local, context)
  return answer.ok
    ? { ...claim, givenValues, predicted: answer.value }
    : { ...claim, givenValues, unpredicted: { kind: 'no-rule', reason: answer.error } }
}
