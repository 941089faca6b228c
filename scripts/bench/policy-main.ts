import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { runStudy } from '../../src/lab/simulate/run-study.ts'
import { allocate } from '../../src/model/pages/allocate.ts'
import { release } from '../../src/model/pages/buddy.ts'
import type { Mobility } from '../../src/model/pages/migratetype.ts'
import { MIGRATE } from '../../src/model/pages/migratetype.ts'
import { createPages, NONE, ZONE, type Pages } from '../../src/model/pages/pages.ts'
import { freeRange, placeRange } from '../../src/model/pages/populate.ts'
import { StudyFile, type Study } from '../../src/shared/documents/index.ts'
import { median } from './measured.ts'

const HELP = `npm run bench:policy -- [--runs N] [--only buddy,64g,1t,cores] [--json]

Measures the page model and the policy lab; exits 1 when one is beyond its bound.
  buddy  allocations and frees a second, beside a plain buddy allocator in C in turn   at least 5 million
  64g    64 GiB, 100 generations, one policy, in a process of its own                  10 s and 512 MiB
  1t     1 TiB, 20 generations, one policy, in a process of its own                    60 s
  cores  many seeds on one thread and on two, beside two C processes               at least 0.8 of their gain
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

const ZONES = [ZONE.normal]
const TYPES: readonly Mobility[] = [MIGRATE.unmovable, MIGRATE.movable, MIGRATE.reclaimable]

/** The numbers of policy-buddy.c, made before time is taken: a remainder of doubles costs as much here as an allocation. */
function numbersAfter(last: number): Int32Array {
  const numbers = new Int32Array(OPERATIONS)
  let random = last
  for (let at = 0; at < OPERATIONS; at++) numbers[at] = random = (random * 48271) % 2147483647
  return numbers
}

/** Operations in a second of processor time, as in policy-buddy.c: a slot chosen by each number is filled or emptied. */
function modelRun(pages: Pages, live: Int32Array, numbers: Int32Array): number {
  const before = process.cpuUsage()
  for (const random of numbers) {
    const slot = random % SLOTS
    const frame = live[slot] ?? NONE
    if (frame === NONE) live[slot] = allocate(pages, random % ORDERS, TYPES[random % 3] ?? MIGRATE.movable, ZONES)
    else {
      release(pages, frame)
      live[slot] = NONE
    }
  }
  const { user, system } = process.cpuUsage(before)
  return (OPERATIONS / (user + system)) * 1e6
}

/** Compiles the C allocator for as long as `use` takes. */
async function withBuddy<T>(use: (binary: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-bench-'))
  try {
    const binary = join(directory, 'buddy')
    execFileSync('cc', ['-O2', '-o', binary, fileURLToPath(new URL('policy-buddy.c', import.meta.url))])
    return await use(binary)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function buddy(binary: string, runs: number): Result {
  const pages = createPages(FRAMES, 1)
  placeRange(pages, { start: 0, end: FRAMES }, ZONE.normal, MIGRATE.movable)
  freeRange(pages, { start: 0, end: FRAMES })
  const live = new Int32Array(SLOTS).fill(NONE)
  let numbers = numbersAfter(1)
  modelRun(pages, live, numbers)
  const [model, c]: [number[], number[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    numbers = numbersAfter(numbers.at(-1) ?? 1)
    const output = execFileSync(binary, [String(FRAMES), String(OPERATIONS), '2'], { encoding: 'utf8' })
    c.push(Math.max(...output.trim().split('\n').map(Number)))
    model.push(modelRun(pages, live, numbers))
  }
  const [ours, theirs] = [median(model), median(c)]
  return {
    name: 'buddy',
    value: ours,
    unit: 'operations/s',
    within: ours >= 5e6,
    words: `${millions(ours)} operations/s in the model, ${millions(theirs)} in C; ratio ${(ours / theirs).toFixed(2)}`,
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

/** Many, so that what a thread needs to start and to warm up is little beside them. */
const SEEDS = 32

/** How much faster two threads are than one, beside how much more two C processes get done than one at the same time. */
async function cores(): Promise<Result> {
  const study = benchStudy('8GiB', 20, SEEDS)
  const time = async (workers: number): Promise<number> => {
    const started = performance.now()
    await runStudy({ study, signal: new AbortController().signal, onProgress: () => undefined, workers })
    return (performance.now() - started) / 1000
  }
  const [before, one, two, after] = [await plainScaling(), await time(1), await time(2), await plainScaling()]
  const [ours, plain] = [one / two, (before + after) / 2]
  return {
    name: 'cores',
    value: ours,
    unit: 'times',
    within: ours >= 0.8 * plain,
    words: `${one.toFixed(1)} s on one thread, ${two.toFixed(1)} s on two: ${ours.toFixed(2)} times as fast; two C processes get ${plain.toFixed(2)} times as much done as one`,
  }
}

/** 2 on two idle cores, 1 where another has the second one. */
async function plainScaling(): Promise<number> {
  return withBuddy(async (binary) => {
    const run = promisify(execFile)
    const time = async (processes: number): Promise<number> => {
      const started = performance.now()
      await Promise.all(Array.from({ length: processes }, () => run(binary, [String(FRAMES), String(OPERATIONS), '20'])))
      return performance.now() - started
    }
    const one = await time(1)
    return (2 * one) / (await time(2))
  })
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
  if (only.has('buddy')) results.push(await withBuddy((binary) => buddy(binary, Number(values.runs))))
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
