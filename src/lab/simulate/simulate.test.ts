import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { kholab, kholabProcess, scratchDirectory } from '../../cli/cli.fixture.ts'
import { STUDY_MAP_KINDS, StudyMap, StudyResult, type Study } from '../../shared/documents/index.ts'
import { messageOf } from '../../shared/result.ts'
import { studyHtml } from './report.ts'
import { runStudy } from './run-study.ts'
import { adjustStudy, parseStudy } from './study-file.ts'
import { summarise } from '../../shared/study-summary.ts'
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
const run = (study: Study, workers = 2): Promise<StudyResult> =>
  runStudy({ study, signal: never, workers, onProgress: () => undefined })

function refusal(text: string): string {
  try {
    return parseStudy(text, 's.yaml').name
  } catch (error) {
    return messageOf(error)
  }
}

it('ships studies that can be read', () => {
  const files = readdirSync(STUDIES).filter((file) => file.endsWith('.yaml'))
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
      'name: a\nworkload:\n  driverFolios: 900000\n',
      'name: a\nboot:\n  image: 0\n',
      'name: a\nboot:\n  drivers: 5GiB\n',
      'name: a\npolicies: [scratch, purgatory, scratch]\n',
      'name: a\nstart: { run: r }\nvary:\n  parameter: machine.memory\n  values: [4GiB]\n',
      'name: a\nvary:\n  parameter: workload.growth\n  values: [0, 7]\n',
    ].map(refusal),
  ).toMatchInlineSnapshot(`
    [
      "s.yaml:2:12: machine.memroy: unknown key memroy: did you mean memory? valid keys in machine: memory, nodes, randomised",
      "s.yaml:2:12: policies[0]: expected one of purgatory, ab-simple, ab-both, ab-late, gfp-kho, to-kho, zone-switch, scratch, scratch-extended, found the text "scratchy"; did you mean scratch?",
      "s.yaml:3:3: workload: vmShare, slabShare and cacheShare are 123 % of RAM together; at most 95 %",
      "s.yaml:3:11: boot.region: not a multiple of 4MiB",
      "s.yaml:1:1: boot: image and footprint need more than a quarter of RAM",
      "s.yaml:3:3: workload: driverFolios and iommuPages are 55 % of RAM beside 73 % in VM memory, slab and cache; at most 95 % together",
      "s.yaml:3:10: boot.image: 0 is too little: more than 0",
      "s.yaml:3:12: boot.drivers: more than a quarter of RAM",
      "s.yaml:2:32: policies[2]: scratch is named twice",
      "s.yaml:4:14: vary.parameter: machine.memory follows from the guest that start names",
      "s.yaml:4:15: vary.values[1]: 7 is not a possible workload.growth",
    ]
  `)
})

it('refuses on the command line what does not go with the file', () => {
  const study = parseStudy(
    'name: a\npolicies: [purgatory]\nmachine: { memory: 1GiB }\nboot: { image: 128MiB, footprint: 64MiB }\n',
    's.yaml',
  )
  type Changes = Parameters<typeof adjustStudy>[1]
  const refused = (changes: Changes): string => {
    try {
      return adjustStudy(study, changes).name
    } catch (error) {
      return messageOf(error)
    }
  }
  const asked: Changes[] = [{ policies: ['scratch', 'scratch'] }, { policies: ['ab-both'] }, { generations: 2000 }, { seeds: 2 }]
  expect(asked.map(refused)).toMatchInlineSnapshot(`
    [
      "--policies.1: scratch is named twice",
      "boot.region: ab-both sets 2 regions of 416 MiB aside, more than half of node 0",
      "--generations: Too big: expected number to be <=1000",
      "a",
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
  const page = studyHtml({ study, result, command: 'kho-lab simulate <x>', maps: [] })
  expect([
    page.includes('Sensitivity to workload.driverFolios'),
    page.includes('kho-lab simulate &#60;x&#62;'),
    /<script|src=|href="http/.test(page),
  ]).toEqual([true, true, false])
})

it('keeps what is done when it is cancelled, and says what is not', { timeout: 60_000 }, async () => {
  const controller = new AbortController()
  const study = adjustStudy(parseStudy(SMALL, 's.yaml'), { generations: 1000, seeds: 3, policies: ['ab-simple', 'scratch'] })
  const result = await runStudy({
    study,
    signal: controller.signal,
    workers: 1,
    onProgress: () => undefined,
    onGeneration: ({ row }) => {
      if (row.policy === 'scratch' && row.generation === 2) controller.abort()
    },
  })
  expect(result.unfinished).toEqual([1, 2, 3].map((seed) => ({ policy: 'scratch', seed })))
  expect(result.rows.filter(({ policy }) => policy === 'scratch').length).toBeGreaterThanOrEqual(3)
  expect(summarise(result).map(({ policy, seeds }) => [policy, seeds])).toEqual([['ab-simple', 3]])
})

it('prints what is done when it is interrupted, and ends with 2', { timeout: 60_000 }, async () => {
  const directory = scratchDirectory()
  const file = join(directory, 's.yaml')
  writeFileSync(file, SMALL)
  let asked = false
  const onStderr = (text: string, child: { kill(signal: NodeJS.Signals): boolean }): void => {
    if (!asked && text.includes('50 %')) asked = child.kill('SIGINT')
  }
  const options = ['--policies', 'ab-simple,scratch', '--generations', '900', '--seeds', '8', '--workers', '1', '--json']
  const { code, stdout, stderr } = await kholabProcess(['simulate', file, ...options], { onStderr })
  const { rows, unfinished } = StudyResult.parse(JSON.parse(stdout))
  expect([code, rows.length > 0, unfinished?.every(({ policy }) => policy === 'scratch')]).toEqual([2, true, true])
  // One thread: what is not begun is not cut short.
  const [, cut, left] =
    /cancelled: ([01]) simulations? cut short, (\d+) simulations? not begun; the others are complete/.exec(stderr) ?? []
  expect(Number(cut) + Number(left)).toBe(unfinished?.length)
})

it('draws where things lie for the first seed, every cell full', { timeout: 60_000 }, async () => {
  const maps: StudyMap[] = []
  await runStudy({
    study: parseStudy(SMALL, 's.yaml'),
    signal: never,
    mapCells: 64,
    onProgress: () => undefined,
    onGeneration: ({ map }) => {
      if (map !== undefined) maps.push(StudyMap.parse(map))
    },
  })
  const kinds = STUDY_MAP_KINDS.length
  const digit = (map: StudyMap, cell: number, kind: number): number => parseInt(map.shares[cell * kinds + kind] ?? '0', 36)
  const sums = maps.flatMap((map) =>
    Array.from({ length: 64 }, (_unused, cell) => STUDY_MAP_KINDS.reduce((sum, _kind, kind) => sum + digit(map, cell, kind), 0)),
  )
  // Shares are rounded up, kind by kind.
  expect([maps.length, sums.every((sum) => sum >= 35 && sum < 35 + kinds)]).toEqual([4, true])
  const overwritten = maps.map((map) =>
    Array.from({ length: 64 }, (_unused, cell) => digit(map, cell, 6)).some((share) => share > 0),
  )
  expect(maps.map(({ policy, generation }, index) => [policy, generation, overwritten[index]])).toEqual(
    expect.arrayContaining([
      ['scratch', 1, false],
      ['ab-simple', 1, true],
    ]),
  )
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
