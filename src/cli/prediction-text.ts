import type { ClaimPrediction } from '../shared/documents/index.ts'

const VALUE_LIMIT = 200

/** What a claim predicts, on one line. */
export function claimPredictionText(prediction: ClaimPrediction): string {
  switch (prediction.kind) {
    case 'value':
      return cut(JSON.stringify(prediction.value))
    case 'rule':
      return `by the rule ${prediction.rule}, from ${prediction.given.join(', ')}`
    case 'unpredicted':
      return `unpredicted: ${prediction.reason}`
  }
}

const cut = (text: string): string =>
  text.length <= VALUE_LIMIT ? text : `${text.slice(0, VALUE_LIMIT)}... (${text.length} characters; --json has all)`
