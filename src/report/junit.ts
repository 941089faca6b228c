import type { ComparedClaim, Comparison } from '../shared/documents/index.ts'
import type { Render } from './report.ts'
import { visible } from '../shared/visible.ts'
import { basisText, cut, familiesOf, FINDING_WORDS, hopsOf, sideText, valueText, verdictSentence } from './words.ts'

/** Longest value shown in a failure. */
const VALUE_LIMIT = 4000

/**
 * JUnit's XML as CI systems read it (Jenkins, GitLab, the schema of Ant's junitreport): a suite per boot and family, a case
 * per claim. What differs is a failure; what was not observed or not predicted is skipped with its reason. A suite of its own
 * says whether the run reached its end, so that a lost run never reads as passed.
 */
export const renderJunit: Render = (comparison) => {
  const { summary, lost, claims, environment } = comparison
  const suites = hopsOf(comparison).flatMap((hop) =>
    familiesOf(comparison, hop).map(({ family, claims: own }) => claimSuite(comparison, `hop${hop}.${family}`, own)),
  )
  const counts = attributes({
    tests: claims.length + 1,
    failures: summary.differ,
    errors: lost === undefined ? 0 : 1,
    skipped: summary.unobserved + summary.unpredicted,
    time: seconds(comparison),
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ name: `kho-lab: ${comparison.experiment.name}` })} ${counts}>`,
    ...suites,
    `  <testsuite ${attributes({ name: 'run', timestamp: environment.startedAt.slice(0, 19), tests: 1, failures: 0, errors: lost === undefined ? 0 : 1, skipped: 0, time: seconds(comparison) })}>`,
    '    <properties>',
    ...properties(comparison).map(([name, value]) => `      <property ${attributes({ name, value })}/>`),
    '    </properties>',
    ...(lost === undefined
      ? [`    <testcase ${attributes({ name: 'run.reached-end', classname: 'kho-lab.run' })}/>`]
      : [
          `    <testcase ${attributes({ name: 'run.reached-end', classname: 'kho-lab.run' })}>`,
          `      <error ${attributes({ message: lost, type: 'lost' })}>${text([lost])}</error>`,
          '    </testcase>',
        ]),
    `    <system-out>${text([verdictSentence(comparison), ...findings(comparison)])}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function claimSuite({ environment }: Comparison, name: string, claims: readonly ComparedClaim[]): string {
  const count = (...verdicts: readonly string[]): number => claims.filter(({ verdict }) => verdicts.includes(verdict)).length
  const head = attributes({
    name,
    timestamp: environment.startedAt.slice(0, 19),
    tests: claims.length,
    failures: count('differ'),
    errors: 0,
    skipped: count('unobserved', 'unpredicted'),
    time: '0',
  })
  return [`  <testsuite ${head}>`, ...claims.map((claim) => claimCase(claim, name)), '  </testsuite>'].join('\n')
}

function claimCase(claim: ComparedClaim, suite: string): string {
  const head = `    <testcase ${attributes({ name: claim.id, classname: `kho-lab.${suite}`, time: '0' })}`
  switch (claim.verdict) {
    case 'match':
      return `${head}/>`
    case 'unobserved':
      return `${head}><skipped ${attributes({ message: `not observed: ${claim.reason}` })}/></testcase>`
    case 'unpredicted':
      return `${head}><skipped ${attributes({ message: `not predicted: ${claim.reason}` })}/></testcase>`
    case 'differ': {
      const lines = [
        claim.title,
        claim.reason,
        `predicted: ${claim.predicted === undefined ? 'nothing' : cut(valueText(claim.predicted), VALUE_LIMIT)}`,
        `guest: ${cut(sideText(claim.guest), VALUE_LIMIT)}`,
        `host: ${cut(sideText(claim.host), VALUE_LIMIT)}`,
        ...claim.basis.map((basis) => `basis: ${basisText(basis)}`),
      ]
      return [
        `${head}>`,
        `      <failure ${attributes({ message: claim.reason, type: 'differ' })}>${text(lines)}</failure>`,
        '    </testcase>',
      ].join('\n')
    }
  }
}

const findings = (comparison: Comparison): string[] =>
  comparison.findings.map(({ id, status, hop, words }) => `finding ${id} ${FINDING_WORDS[status]} at hop ${hop}: ${words}`)

const properties = ({ environment, prediction }: Comparison): readonly [string, string][] => [
  ['kernel', environment.image.kernelVersion],
  ['qemu', environment.qemu.version],
  ['accelerator', `${environment.accelerator.used}: ${environment.accelerator.why}`],
  ['host', `${environment.host.cpuModel}, Linux ${environment.host.kernel}`],
  ['lab', environment.lab.version],
  ['prediction', `sha256:${prediction.sha256} at ${prediction.at}`],
]

/** Seconds of the whole run; single claims take no time of their own. */
const seconds = ({ environment: { startedAt, endedAt } }: Comparison): string =>
  ((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(3)

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(' ')

const text = (lines: readonly string[]): string => lines.map(escaped).join('\n')

/** Control characters, which XML 1.0 cannot hold in any form, have become visible escapes before; so must two non-characters. */
const escaped = (value: string): string =>
  visible(value)
    .replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
