import { RULE_WORDS } from '../model/rule-words.ts'
import type { RunRule } from '../shared/boot-views.ts'
import { Prediction, type PredictedClaim } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { readRunDocument } from './run/store.ts'

/**
 * The rule behind a claim of a run, as it was fixed before the guest started. Rejects with LabError run-not-found where the run has no
 * such prediction, bad-document for a damaged one.
 */
export async function ruleOfClaim(directory: string, id: string): Promise<RunRule> {
  const prediction = await readRunDocument(directory, 'prediction.json', Prediction)
  const claim = prediction?.claims.find((candidate) => candidate.id === id)
  if (claim === undefined)
    throw new LabError({
      code: 'run-not-found',
      message: `the prediction of this run has no claim ${id.slice(0, 100)}`,
      hint: 'A run that was copied without prediction.json cannot show its rules.',
    })
  return { words: wordsOf(claim.subject), ...howPredicted(claim), sources: claim.basis.map(sourceOf) }
}

const wordsOf = (subject: string): string | undefined =>
  Object.hasOwn(RULE_WORDS, subject) ? RULE_WORDS[subject as keyof typeof RULE_WORDS] : undefined

function howPredicted({ prediction }: PredictedClaim): Pick<RunRule, 'kind' | 'rule' | 'inputs' | 'given' | 'reason'> {
  switch (prediction.kind) {
    case 'value':
      return { kind: 'value', given: [] }
    case 'rule':
      return {
        kind: 'rule',
        rule: prediction.rule,
        inputs: JSON.stringify(prediction.inputs, undefined, 2),
        given: prediction.given,
      }
    case 'unpredicted':
      return { kind: 'unpredicted', reason: prediction.reason, given: [] }
  }
}

/** How to read a function: in a kernel tree the whole of it at that release; elsewhere its file. */
function sourceOf({ function: name, file, release }: PredictedClaim['basis'][number]): RunRule['sources'][number] {
  const inKernel = /^\d+\.\d+$/.test(release)
  return { name, file, release, command: inKernel ? `git grep -hW '${name}(' v${release} -- ${file}` : undefined }
}
