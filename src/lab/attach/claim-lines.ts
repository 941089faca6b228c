import { cut, sideText, valueText } from '../../report/words.ts'
import type { Comparison, Verdict } from '../../shared/documents/index.ts'
import { visible } from '../../shared/visible.ts'

const VALUE_LIMIT = 160
const REASON_LIMIT = 400

export interface ClaimLine {
  readonly verdict: Verdict
  readonly subject: string
  /** What was seen, or why nothing was; safe to print. */
  readonly seen: string
  /** Where it differs: what was predicted, and how it differs. */
  readonly more: readonly string[]
}

/** Every claim of a comparison on a line: after a look at a machine the values are what is asked for, not only the verdict. */
export const claimLines = ({ claims }: Comparison): readonly ClaimLine[] =>
  claims.map(({ verdict, subject, predicted, guest, host, reason }) => {
    const shown = 'value' in host ? host : guest
    return {
      verdict,
      subject,
      seen: cut(visible('value' in shown ? sideText(shown) : reason), VALUE_LIMIT),
      more:
        verdict === 'differ'
          ? [
              `predicted: ${predicted === undefined ? 'nothing' : cut(visible(valueText(predicted)), VALUE_LIMIT)}`,
              cut(visible(reason), REASON_LIMIT),
            ]
          : [],
    }
  })
