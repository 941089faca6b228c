import type { z } from 'zod'
import type { KernelFacts } from '../shared/documents/index.ts'
import type { Json } from '../shared/json.ts'
import { err, type Result } from '../shared/result.ts'
import type { Once } from './once.ts'

/** What all rules of a prediction share: its kernels and command lines, one per boot, and what one of them has worked out. */
export interface RuleContext {
  readonly kernels: readonly KernelFacts[]
  readonly cmdlines: readonly string[]
  readonly once: Once
}

/**
 * A pure function from inputs that were fixed before the guest started, and values that the guest gave, to a claim's value.
 * An error means that the rule has no answer for these values; it says why.
 */
export interface Rule {
  readonly apply: (inputs: Json, given: { readonly [localName: string]: Json }, context: RuleContext) => Result<Json>
}

/** `hop2.scratch.regions` is `scratch.regions` to a rule: which boot it comes from is the claim's business. */
export const localName = (given: string): string => given.replace(/^hop\d+\./, '')

/** A rule whose inputs and given values are checked: both come from documents that anyone may have written. */
export function defineRule<I, G>(
  inputs: z.ZodType<I>,
  given: z.ZodType<G>,
  apply: (inputs: I, given: G, context: RuleContext) => Result<Json>,
): Rule {
  return {
    apply: (rawInputs, rawGiven, context) => {
      const checkedInputs = inputs.safeParse(rawInputs)
      if (!checkedInputs.success) return err(`the rule's inputs are malformed: ${checkedInputs.error.issues[0]?.message ?? ''}`)
      const checkedGiven = given.safeParse(rawGiven)
      if (!checkedGiven.success) return err(`a given value is malformed: ${checkedGiven.error.issues[0]?.message ?? ''}`)
      return apply(checkedInputs.data, checkedGiven.data, context)
    },
  }
}
