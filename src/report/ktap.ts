import type { ComparedClaim } from '../shared/documents/index.ts'
import type { Render, ReportExtras } from './report.ts'
import { visible } from '../shared/visible.ts'
import { cut, FINDING_WORDS, sideText, valueText, verdictSentence } from './words.ts'

/** Longest value shown in a diagnostic line. */
const VALUE_LIMIT = 400

/**
 * Documentation/dev-tools/ktap.rst, version 1: a flat list with one test per claim, in the order of the prediction, and a
 * last one that says whether the run reached its end, so that a lost run never reads as passed.
 */
export const renderKtap: Render = (comparison, { observation }) => {
  const { summary, lost } = comparison
  const tests = comparison.claims.length + 1
  const end = lost === undefined ? `ok ${tests} run.reached-end` : `not ok ${tests} run.reached-end # ERROR ${data(lost)}`
  return [
    'KTAP version 1',
    `1..${tests}`,
    diagnostic(`kho-lab experiment: ${comparison.experiment.name}`),
    diagnostic(`kernel ${comparison.environment.image.kernelVersion}, accelerator ${comparison.environment.accelerator.used}`),
    diagnostic(`prediction sha256:${comparison.prediction.sha256} at ${comparison.prediction.at}`),
    ...comparison.findings.map((finding) =>
      diagnostic(`finding ${finding.id} ${FINDING_WORDS[finding.status]} at hop ${finding.hop}: ${finding.words}`),
    ),
    ...selftestLines(observation),
    ...comparison.claims.flatMap((claim, index) => claimLines(claim, index + 1)),
    end,
    diagnostic(verdictSentence(comparison)),
    `# Totals: pass:${summary.match + (lost === undefined ? 1 : 0)} fail:${summary.differ} xfail:0 xpass:0 ` +
      `skip:${summary.unobserved + summary.unpredicted} error:${lost === undefined ? 0 : 1}`,
    '',
  ].join('\n')
}

/** What a selftest of the kernel printed, as diagnostics: its results are those of the claims selftest.*, and not counted again. */
const selftestLines = ({ hops }: ReportExtras['observation']): readonly string[] =>
  hops.flatMap(({ hop, selftest }) =>
    selftest?.ok === true
      ? [
          diagnostic(`hop ${hop}: ${selftest.value.command} ended with ${selftest.value.exitCode} and printed`),
          ...selftest.value.output
            .trimEnd()
            .split('\n')
            .map((line) => diagnostic(`| ${line}`)),
        ]
      : [],
  )

function claimLines(claim: ComparedClaim, number: number): string[] {
  const name = data(claim.id)
  switch (claim.verdict) {
    case 'match':
      return [`ok ${number} ${name}`]
    case 'unobserved':
      return [`ok ${number} ${name} # SKIP not observed: ${data(claim.reason)}`]
    case 'unpredicted':
      return [`ok ${number} ${name} # SKIP not predicted: ${data(claim.reason)}`]
    case 'differ':
      return [
        diagnostic(`${claim.title}: ${claim.reason}`),
        diagnostic(`predicted: ${claim.predicted === undefined ? 'nothing' : cut(valueText(claim.predicted), VALUE_LIMIT)}`),
        diagnostic(`guest: ${cut(sideText(claim.guest), VALUE_LIMIT)}`),
        diagnostic(`host: ${cut(sideText(claim.host), VALUE_LIMIT)}`),
        `not ok ${number} ${name}`,
      ]
  }
}

const diagnostic = (text: string): string => `# ${visible(text)}`
/** The part after a directive: one line, and no further `#`, at which parsers would split. */
const data = (text: string): string => visible(text).replaceAll('#', '.')
