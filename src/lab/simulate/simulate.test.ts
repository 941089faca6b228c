import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { kholab, scratchDirectory } from '../../cli/cli.fixture.ts'
import { POLICY_IDS, StudyResult, type Study } from '../../shared/documents/index.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { studyHtml } from './report.ts'
import { runStudy } from './run-study.ts'
import { adjustStudy, parseStudy } from './study-file.ts'
import { summarise } from './summary.ts'
import { studyCsv, studyTable } from './tables.ts'

const STUDIES = join(import.meta.dirname, '../../../studies')
const SMALL = `name: small
generations: 2
seeds: 2
policies: [scratch, ab-simple]
machine: { memory: 1GiB }
boot: { image: 16MiB, footprint: 16MiB, drivers: 8MiB }
workload: { churn: 500 }
`
const never = new AbortController().signal
const run = (study: Study, workers = 2, signal = never): Promise<StudyResult> =>
  runStudy({ study, signal, workers, onProgress: () => undefined })

function refusal(text: string): string {
  try {
    return parseStudy(text, 's.yaml').name
  } catch (error) {
    return messageOf(error)
  }
}

it('ships studies that can be read', () => {
  const files = readdirSync(STUDIES)
  const names = files.map((file) => parseStudy(readFileSync(join(STUDIES, file), 'utf8'), file).name)
  expect([new Set(names).size, files.length >= 6]).toEqual([files.length, true])
})

it('names the line, column and key of what is wrong', () => {
  expect(
    [
      'name: a\nmachine: { memroy: 8GiB }\n',
      'name: a\npolicies: [scratchy]\n',
      'name: a\nworkload:\n  vmShare: 0.9\n',
      'name: a\nboot:\n  region: 5MiB\n',
      'name: a\nmachine:\n  memory: 1GiB\n',
      'name: a\nvary:\n  parameter: workload.growth\n  values: [0, 7]\n',
    ].map(refusal),
  ).toMatchInlineSnapshot(`
    [
      "s.yaml:2:12: machine.memroy: unknown key memroy: did you mean memory? valid keys in machine: memory, nodes, randomised",
      "s.yaml:2:12: policies[0]: expected one of purgatory, ab-simple, ab-both, ab-late, gfp-kho, to-kho, zone-switch, scratch, scratch-extended, found the text "scratchy"; did you mean scratch?",
      "s.yaml:3:3: workload: vmShare, slabShare and cacheShare are 123 % of RAM together; at most 95 %",
      "s.yaml:3:11: boot.region: not a multiple of 4MiB",
      "s.yaml:1:1: boot: image and footprint need more than a quarter of RAM",
      "s.yaml:4:15: vary.values[1]: 7 is not a possible workload.growth",
    ]
  `)
})

it('gives the same result on one thread and on two, and its form is the published one', { timeout: 60_000 }, async () => {
  const study = parseStudy(SMALL, 's.yaml')
  const [one, two] = await Promise.all([run(study, 1), run(study, 2)])
  expect(one).toEqual(two)
  expect(StudyResult.parse(one)).toEqual(one)
  expect(summarise(one).map(({ policy, survived, steps }) => [policy, survived, steps])).toEqual([
    ['scratch', 1, []],
    ['ab-simple', 0, ['overwritten']],
  ])
  expect(studyCsv(one).split('\n')).toHaveLength(one.rows.length + 2)
  expect(studyTable(one).split('\n')).toHaveLength(4)
})

it('runs once for each value that is varied', { timeout: 60_000 }, async () => {
  const study = parseStudy(`${SMALL}vary: { parameter: workload.driverFolios, values: [10, 100] }\n`, 's.yaml')
  const result = await run(adjustStudy(study, { seeds: 1, policies: ['scratch'] }))
  expect(summarise(result).map(({ value }) => value)).toEqual([10, 100])
  const page = studyHtml({ study, result, command: 'kho-lab simulate <x>' })
  expect([
    page.includes('Sensitivity to workload.driverFolios'),
    page.includes('kho-lab simulate &#60;x&#62;'),
    /<script|src=|href="http/.test(page),
  ]).toEqual([true, true, false])
})

it('ends at once when it is cancelled', async () => {
  const controller = new AbortController()
  const running = run(
    adjustStudy(parseStudy(SMALL, 's.yaml'), { generations: 1000, policies: [...POLICY_IDS] }),
    1,
    controller.signal,
  )
  setTimeout(() => controller.abort(), 100)
  await expect(running.catch((error: unknown) => (error instanceof LabError ? error.code : error))).resolves.toBe('cancelled')
})

it(
  'prints a table, JSON or CSV on the command line, and ends with 64 for a policy that there is not',
  { timeout: 60_000 },
  async () => {
    const directory = scratchDirectory()
    const file = join(STUDIES, 'simple-ab.yaml')
    const options = ['simulate', file, '--policies', 'scratch', '--generations', '1', '--seeds', '1']
    const html = join(directory, 'r.html')
    const [json, csv, wrong] = await Promise.all([
      kholab([...options, '--json', '--html', html]),
      kholab([...options, '--csv']),
      kholab(['simulate', file, '--policies', 'nope']),
    ])
    const rows = StudyResult.parse(JSON.parse(json.stdout)).rows.map(
      ({ policy, seed, generation }) => `${policy} ${seed} ${generation}`,
    )
    expect([json.code, rows, csv.code, csv.stdout.split('\n').length, wrong.code]).toEqual([0, ['scratch 1 0'], 0, 3, 64])
    expect(readFileSync(html, 'utf8')).toContain('kho-lab simulate')
  },
)
