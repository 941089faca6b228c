import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runStudy } from '../../src/lab/simulate/run-study.ts'
import { allocate } from '../../src/model/pages/allocate.ts'
import { release } from '../../src/model/pages/buddy.ts'
import type { Mobility } from '../../src/model/pages/migratetype.ts'
import { MIGRATE } from '../../src/model/pages/migratetype.ts'
import { createPages, NONE, ZONE } from '../../src/model/pages/pages.ts'
import { freeRange, placeRange } from '../../src/model/pages/populate.ts'
import { StudyFile, type Study } from '../../src/shared/documents/index.ts'
import { median } from './measured.ts'

const HELP = `npm run bench:policy -- [--runs N] [--only buddy,64g,1t,cores] [--json]

Measures the page model and the policy lab; exits 1 when one is beyond its bound.
  buddy  allocations and frees a second, beside a plain buddy allocator in C in turn   at least 5 million
  64g    64 GiB, 100 generations, one policy, in a process of its own                  10 s and 512 MiB
  1t     1 TiB, 20 generations, one policy, in a process of its own                    60 s
  cores  eight seeds on one thread and on two                                          at least 1.6 times as fast
`

const FRAMES = 2 ** 20
const OPERATIONS = 4_000_000
const SLOTS = 65_536
const ORDERS = 4

interface Result {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly within: boolean
  readonly words: string
}

/** Operations a second: a slot chosen by the same generator as in policy-buddy.c is filled or emptied. */
function modelRun(state: { random: number; readonly live: Int32Array; readonly pages: ReturnType<typeof createPages> }): number {
  const zones = [ZONE.normal]
  const types: readonly Mobility[] = [MIGRATE.unmovable, MIGRATE.movable, MIGRATE.reclaimable]
  const { live, pages } = state
  const started = performance.now()
  for (let done = 0; done < OPERATIONS; done++) {
    state.random = (state.random * 48271) % 2147483647
    const slot = state.random % SLOTS
    const frame = live[slot] ?? NONE
    if (frame === NONE) live[slot] = allocate(pages, state.random % ORDERS, types[state.random % 3] ?? MIGRATE.movable, zones)
    else {
      release(pages, frame)
      live[slot] = NONE
    }
  }
  return OPERATIONS / ((performance.now() - started) / 1000)
}

function buddy(runs: number): Result {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-bench-'))
  try {
    const binary = join(directory, 'buddy')
    execFileSync('cc', ['-O2', '-o', binary, fileURLToPath(new URL('policy-buddy.c', import.meta.url))])
    const pages = createPages(FRAMES, 1)
    placeRange(pages, { start: 0, end: FRAMES }, ZONE.normal, MIGRATE.movable)
    freeRange(pages, { start: 0, end: FRAMES })
    const state = { random: 1, live: new Int32Array(SLOTS).fill(NONE), pages }
    modelRun(state)
    const [model, c]: [number[], number[]] = [[], []]
    for (let run = 0; run < runs; run++) {
      c.push(
        Math.max(
          ...execFileSync(binary, [String(FRAMES), String(OPERATIONS), '2'], { encoding: 'utf8' })
            .trim()
            .split('\n')
            .map(Number),
        ),
      )
      model.push(modelRun(state))
    }
    const [ours, theirs] = [median(model), median(c)]
    return {
      name: 'buddy',
      value: ours,
      unit: 'operations/s',
      within: ours >= 5e6,
      words: `${millions(ours)} operations/s in the model, ${millions(theirs)} in C; ratio ${(ours / theirs).toFixed(2)}`,
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const millions = (value: number): string => `${(value / 1e6).toFixed(2)} million`

/** Runs the study in this process, with one worker, and says how long and how much memory it took. */
async function alone(memory: string, generations: number): Promise<{ seconds: number; mebibytes: number; generations: number }> {
  const study = benchStudy(memory, generations, 1)
  const started = performance.now()
  const { rows } = await runStudy({ study, signal: new AbortController().signal, onProgress: () => undefined, workers: 1 })
  return {
    seconds: (performance.now() - started) / 1000,
    mebibytes: process.resourceUsage().maxRSS / 1024,
    generations: rows.length,
  }
}

const benchStudy = (memory: string, generations: number, seeds: number): Study =>
  StudyFile.parse({
    name: 'bench',
    machine: { memory },
    policies: ['scratch-extended'],
    generations,
    seeds,
    workload: { growth: 0 },
  })

function inProcess(name: string, memory: string, generations: number, seconds: number, mebibytes: number): Result {
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--alone', `${memory},${generations}`], {
    encoding: 'utf8',
  })
  const [took, used, done] = output.trim().split(' ').map(Number)
  const within = (took ?? NaN) <= seconds && (used ?? NaN) <= mebibytes && done === generations
  return {
    name,
    value: took ?? NaN,
    unit: 's',
    within,
    words: `${(took ?? NaN).toFixed(1)} s (bound ${seconds} s), ${Math.round(used ?? NaN)} MiB, ${done} generations`,
  }
}

async function cores(): Promise<Result> {
  const study = benchStudy('8GiB', 20, 8)
  const time = async (workers: number): Promise<number> => {
    const started = performance.now()
    await runStudy({ study, signal: new AbortController().signal, onProgress: () => undefined, workers })
    return (performance.now() - started) / 1000
  }
  const [one, two] = [await time(1), await time(2)]
  return {
    name: 'cores',
    value: one / two,
    unit: 'times',
    within: one / two >= 1.6 || availableParallelism() < 2,
    words: `${one.toFixed(1)} s on one thread, ${two.toFixed(1)} s on two: ${(one / two).toFixed(2)} times as fast`,
  }
}

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'buddy,64g,1t,cores' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    alone: { type: 'string' },
  },
})

async function measure(only: ReadonlySet<string>): Promise<Result[]> {
  const results: Result[] = []
  if (only.has('buddy')) results.push(buddy(Number(values.runs)))
  if (only.has('64g')) results.push(inProcess('64g', '64GiB', 100, 10, 512))
  if (only.has('1t')) results.push(inProcess('1t', '1TiB', 20, 60, Number.POSITIVE_INFINITY))
  if (only.has('cores')) results.push(await cores())
  return results
}

if (values.help) {
  process.stdout.write(HELP)
} else if (values.alone !== undefined) {
  const [memory, generations] = values.alone.split(',')
  const { seconds, mebibytes, generations: done } = await alone(memory ?? '', Number(generations))
  process.stdout.write(`${seconds} ${mebibytes} ${done}\n`)
} else {
  const results = await measure(new Set(values.only.split(',')))
  process.stdout.write(
    values.json
      ? `${JSON.stringify(results)}\n`
      : results.map(({ name, within, words }) => `${name}: ${words}${within ? '' : '  BEYOND ITS BOUND'}\n`).join(''),
  )
  process.exitCode = results.every(({ within }) => within) ? 0 : 1
}
