import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { scratchDirectory } from '../../cli/cli.fixture.ts'
import { simulate } from '../../model/policy/simulate.ts'
import { POLICIES } from '../../model/policy/policies.ts'
import { LabError } from '../../shared/result.ts'
import { MiB, PAGE_SIZE } from '../../shared/units.ts'
import { observedRun } from './observed-run.ts'
import { loadStudy, withStart } from './study-file.ts'

const STUDIES = join(import.meta.dirname, '../../../studies')
const GUEST = join(STUDIES, 'guests/driver-primitive')

const refusal = (directory: string, boot: number): Promise<unknown> =>
  observedRun(directory, boot).then(
    () => 'read',
    (error: unknown) => (error instanceof LabError ? [error.code, error.message.replace(directory, 'DIR')] : error),
  )

it('reads machine, scratch and preserved folios of a recorded guest', async () => {
  const { frames, nodes, dma32, zones, scratch, folios } = await observedRun(GUEST, 2)
  expect({ frames, nodes, dma32 }).toEqual({ frames: (1024 * MiB) / PAGE_SIZE, nodes: 1, dma32: 0 })
  // kho_scratch of this guest: 72 MiB of lowmem, nothing global, 68 MiB for the node.
  expect(scratch.map(({ start, end }) => [start * PAGE_SIZE, ((end - start) * PAGE_SIZE) / MiB])).toEqual([
    [0x3a000000, 72],
    [0x35c00000, 68],
  ])
  const orders = Map.groupBy(folios, ({ order }) => order)
  // One folio of each order from 0 to 10, and pages of the tree and of khoprobe's table.
  expect([...orders.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(folios.find(({ order }) => order === 10)).toEqual({ frame: 0x2c00000 / PAGE_SIZE, order: 10 })
  // /proc/pagetypeinfo of the guest: 25 CMA blocks of order 10 are free, 207 movable ones.
  expect([zones.length, zones[0]?.free[4]?.[10], zones[0]?.free[1]?.[10], zones[0]?.blocks]).toEqual([
    1,
    25,
    207,
    [11, 431, 0, 0, 70, 0],
  ])
})

it('is generation 0 of the study that comes with the lab, with every invariant kept', { timeout: 60_000 }, async () => {
  const file = await loadStudy(join(STUDIES, 'real-start.yaml'))
  const { study, observed } = await withStart(file, (run) => join(STUDIES, run))
  expect([study.machine.memory, study.start?.run, observed?.folios.length]).toEqual([1024 * MiB, GUEST, 16])
  const rows = [...simulate({ study, policy: POLICIES.scratch, seed: 1, generations: 2, check: true, observed })]
  // The guest's own 140 MiB of scratch are what is held back.
  expect(rows.map(({ possible, heldBack }) => [possible, heldBack / MiB])).toEqual([
    [true, 140],
    [true, 140],
  ])
})

it('says what a folder lacks to start a study', async () => {
  const broken = scratchDirectory()
  await cp(GUEST, broken, { recursive: true })
  const observation = join(broken, 'observation.json')
  const whole = await readFile(observation, 'utf8')
  const answers: unknown[] = [await refusal(GUEST, 7), await refusal(join(broken, 'nothing'), 0)]
  for (const text of ['{', '{"hops": 3}', whole.replace('"recordCount": 16', '"recordCount": 9000')]) {
    await writeFile(observation, text)
    answers.push(await refusal(broken, 2))
  }
  await writeFile(observation, whole)
  await writeFile(join(broken, 'raw/hop2/guest/proc/zoneinfo'), 'nonsense')
  answers.push(await refusal(broken, 2))
  expect(answers).toMatchInlineSnapshot(`
    [
      [
        "bad-document",
        "the run cannot start a study: it has no boot 7, only 2",
      ],
      [
        "run-not-found",
        "cannot read DIR/observation.json: there is no such file",
      ],
      [
        "bad-document",
        "the run cannot start a study: observation.json: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
      ],
      [
        "bad-document",
        "the run cannot start a study: observation.json: Invalid input: expected "kho-lab/observation"",
      ],
      [
        "bad-document",
        "the run cannot start a study: its 9000 preserved records lie too scattered to be kept",
      ],
      [
        "bad-document",
        "the run cannot start a study: /proc/zoneinfo names no zone",
      ],
    ]
  `)
})
