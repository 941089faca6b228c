import { afterEach, expect, it } from 'vitest'
import { StudyFile, StudyResult } from '../../shared/documents/index.ts'
import type { StudyEvent } from '../../shared/study-contract.ts'
import { LabError } from '../../shared/result.ts'
import { MiB } from '../../shared/units.ts'
import { createStudyRuns, type StudyRuns } from './study-runs.ts'
import { parseStudy } from './study-file.ts'
import { startFolder } from './study-shelf.ts'

const SMALL = {
  name: 'A small one',
  generations: 2,
  seeds: 1,
  policies: ['scratch', 'ab-simple'],
  machine: { memory: '1GiB' },
  boot: { image: '16MiB', footprint: '16MiB', drivers: '8MiB' },
  workload: { churn: 500 },
}

const open: StudyRuns[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((runs) => runs.dispose()))
})

/** Runs, everything that was told of them, and a promise for the end of each. */
function follow(): { runs: StudyRuns; told: Map<string, StudyEvent[]>; ended: (id: string) => Promise<StudyEvent> } {
  const told = new Map<string, StudyEvent[]>()
  const runs = createStudyRuns({
    workers: 1,
    emit: (id, events) => told.set(id, [...(told.get(id) ?? []), ...events]),
    folderOf: (run) => startFolder(run, (id) => Promise.reject(new LabError({ code: 'run-not-found', message: id }))),
  })
  open.push(runs)
  const ended = async (id: string): Promise<StudyEvent> => {
    for (;;) {
      const last = told.get(id)?.find(({ type }) => type === 'finished' || type === 'failed')
      if (last !== undefined) return last
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { runs, told, ended }
}

const refusal = async (runs: StudyRuns, study: unknown): Promise<unknown> => {
  try {
    return await runs.start(study)
  } catch (error) {
    return error instanceof LabError ? `${error.code}: ${error.message}` : error
  }
}

it('tells every generation with its map, and keeps the result in four forms', { timeout: 60_000 }, async () => {
  const { runs, told, ended } = follow()
  const { id, state } = await runs.start(SMALL)
  expect([id, state]).toEqual(['study-1', 'running'])
  expect(() => runs.report(id, 'csv')).toThrow('study-1 is still running')
  expect(await ended(id)).toMatchObject({ type: 'finished', unfinished: [] })
  const generations = (told.get(id) ?? []).filter((event) => event.type === 'generation')
  expect(generations.map(({ row, map }) => [row.policy, row.generation, map?.generation])).toEqual([
    ['scratch', 0, 0],
    ['scratch', 1, 1],
    ['ab-simple', 0, 0],
    ['ab-simple', 1, 1],
  ])
  // A page that comes later is told the same, but for progress.
  expect(runs.events(id)).toEqual((told.get(id) ?? []).filter(({ type }) => type !== 'progress'))
  const [html, csv, json, yaml] = (['html', 'csv', 'json', 'yaml'] as const).map((format) => runs.report(id, format))
  expect([html, csv, json, yaml].map((file) => file?.name)).toEqual(
    ['html', 'csv', 'json', 'yaml'].map((extension) => `a-small-one.${extension}`),
  )
  expect(StudyResult.parse(JSON.parse(json?.text ?? '')).rows).toHaveLength(4)
  // What is kept repeats it: the study's file is the study.
  expect(parseStudy(yaml?.text ?? '', 's.yaml')).toEqual(StudyFile.parse(SMALL))
  expect(html?.text).toContain('kho-lab simulate a-small-one.yaml')
})

it('begins with the guest that a study of the shelf names, on a machine of its size', { timeout: 60_000 }, async () => {
  const { runs, ended, told } = follow()
  const { id, study } = await runs.start({ ...SMALL, start: { run: 'guests/driver-primitive', boot: 2 }, policies: ['scratch'] })
  await ended(id)
  const [first] = (told.get(id) ?? []).filter((event) => event.type === 'generation')
  expect([study.machine.memory / MiB, (first?.row.heldBack ?? 0) / MiB]).toEqual([1024, 140])
  // The kept file names the guest so that it can be found from anywhere.
  expect(runs.report(id, 'yaml').text).toMatch(/run: \/.*\/studies\/guests\/driver-primitive\n/)
})

it('refuses what no page may ask', async () => {
  const { runs } = follow()
  const many = { ...SMALL, generations: 1000, seeds: 1000 }
  expect([
    await refusal(runs, { ...SMALL, start: { run: '../../etc', boot: 0 } }),
    await refusal(runs, { ...SMALL, start: { run: '20261101-090000-gone', boot: 0 } }),
    await refusal(runs, { ...SMALL, machine: { memory: '1MiB' } }),
    await refusal(runs, many),
    runs.cancel('study-9'),
  ]).toMatchInlineSnapshot(`
    [
      "bad-study: start.run: ../../etc is neither a run of this lab nor a guest that comes with it",
      "run-not-found: 20261101-090000-gone",
      "bad-study: machine.memory: each node must have a multiple of 4MiB, the largest block of the buddy allocator; machine.memory: less than 1GiB in a node; workload: driverFolios and iommuPages are 2790 % of RAM beside 73 % in VM memory, slab and cache; at most 95 % together; boot.drivers: more than a quarter of RAM; boot: image and footprint need more than a quarter of RAM",
      "refused: 2000000 generations in all are more than a page can show; at most 20000",
      false,
    ]
  `)
  expect(() => runs.events('study-9')).toThrow('there is no study study-9 any more')
})

it('ends at once when it is cancelled, and says what had begun and what had not', { timeout: 60_000 }, async () => {
  const { runs, told, ended } = follow()
  const { id } = await runs.start({ ...SMALL, policies: ['scratch'], generations: 500, seeds: 3 })
  while (!(told.get(id) ?? []).some(({ type }) => type === 'generation')) await new Promise((resolve) => setTimeout(resolve, 20))
  expect([runs.cancel(id), (await ended(id)).type, runs.cancel(id), runs.list()[0]?.state]).toEqual([
    true,
    'finished',
    false,
    'cancelled',
  ])
  expect(runs.report(id, 'html').text).toContain('Cancelled: 1 simulation cut short, 2 simulations not begun.')
})
