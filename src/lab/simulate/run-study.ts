import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ObservedStart } from '../../model/policy/observed-start.ts'
import {
  withParameter,
  type Study,
  type StudyCase,
  type StudyPrimitive,
  type StudyResult,
  type StudyRow,
} from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import type { Generation, Job, WorkerMessage } from './job.ts'

export interface StudyProgress {
  readonly phase: string
  /** Of all generations of all simulations. Those after a handover that failed count as done. */
  readonly percent: number
  readonly secondsLeft?: number | undefined
}

export interface RunStudy {
  readonly study: Study
  readonly signal: AbortSignal
  readonly onProgress: (progress: StudyProgress) => void
  /** Each generation as it is done, in any order. */
  readonly onGeneration?: (generation: Generation) => void
  /** Cells of the map that goes with each generation of the first seed. */
  readonly mapCells?: number | undefined
  /** Threads; as many as there are processors unless said otherwise. */
  readonly workers?: number | undefined
  /** This seed alone, instead of 1 to the study's number of seeds. */
  readonly seed?: number | undefined
  readonly check?: boolean | undefined
  /** Where the study was read from, for the command that repeats a broken rule. */
  readonly file?: string | undefined
  /** The real guest that is generation 0, where the study names one. */
  readonly observed?: ObservedStart | undefined
}

/** What has come of one job so far. */
interface Progress {
  readonly job: Job
  readonly rows: StudyRow[]
  primitive?: StudyPrimitive | undefined
  done: boolean
}

/**
 * Every policy with every seed and value, over worker threads. The same study gives the same result. Cancelling it ends it at
 * once, with what was done until then and what was not named in `unfinished`. Rejects with LabError internal.
 */
export async function runStudy(options: RunStudy): Promise<StudyResult> {
  const { study, seed } = options
  const all = jobsOf(options).map((job): Progress => ({ job, rows: [], done: false }))
  await doAll(all, options)
  const unfinished = all
    .filter(({ done }) => !done)
    .map(({ job: { policy, value, seed: of } }) => ({ policy, ...(value === undefined ? {} : { value }), seed: of }))
  return {
    study: study.name,
    generations: study.generations,
    seeds: seed === undefined ? study.seeds : 1,
    ...(study.vary === undefined ? {} : { vary: study.vary.parameter }),
    rows: all.flatMap(({ rows }) => rows),
    ...(unfinished.length === 0 ? {} : { unfinished }),
    primitives: all.flatMap(({ primitive }) => (primitive === undefined ? [] : [primitive])),
  }
}

function jobsOf({ study, seed, check = false, mapCells, file = 'FILE', observed }: RunStudy): readonly Job[] {
  const seeds = seed === undefined ? Array.from({ length: study.seeds }, (_unused, index) => index + 1) : [seed]
  const all = casesOf(study).flatMap(({ value, of }, caseIndex) =>
    study.policies.flatMap((policy) =>
      seeds.map((each, seedIndex) => ({
        study: of,
        policy,
        value,
        seed: each,
        generations: study.generations,
        check,
        file,
        observed,
        primitive: caseIndex === 0 && seedIndex === 0,
        mapCells: seedIndex === 0 ? mapCells : undefined,
      })),
    ),
  )
  return all.map((job, index) => ({ index, ...job }))
}

/** The study once for each value of what it varies. */
function casesOf(study: Study): readonly { readonly value: number | undefined; readonly of: StudyCase }[] {
  const { vary, machine, boot, workload, zoneSwitch } = study
  const plain = { machine, boot, workload, zoneSwitch }
  if (vary === undefined) return [{ value: undefined, of: plain }]
  return vary.values.map((value) => ({ value, of: withParameter(plain, vary.parameter, value) }))
}

/** From the sources the worker is a module beside this one; in a bundle it is a file beside the entry, which this may be a part of. */
function workerFile(): URL {
  const places = import.meta.url.endsWith('.ts') ? ['./worker.ts'] : ['./simulate-worker.js', '../simulate-worker.js']
  const files = places.map((place) => new URL(place, import.meta.url))
  return files.find((file) => existsSync(file)) ?? new URL('./worker.ts', import.meta.url)
}

async function doAll(all: readonly Progress[], options: RunStudy): Promise<void> {
  const { study, signal, onGeneration, workers = availableParallelism() } = options
  if (signal.aborted) return
  const waiting = [...all]
  const counter = progressCounter(all.length * study.generations, options)
  const threads = Array.from({ length: Math.min(workers, all.length) }, () => new Worker(workerFile()))
  try {
    await Promise.race([aborted(signal), Promise.all(threads.map((thread) => serve(thread)))])
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }

  /** Feeds one thread until no job is left. */
  function serve(thread: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let now = waiting.shift()
      const send = (): void => (now === undefined ? resolve() : thread.postMessage(now.job))
      thread.on('error', reject)
      thread.on('message', (message: WorkerMessage) => {
        if (now === undefined) return
        switch (message.type) {
          case 'generation':
            now.rows.push(message.generation.row)
            counter.count(1)
            onGeneration?.(message.generation)
            break
          case 'done':
            now.primitive = message.primitive
            now.done = true
            counter.count(study.generations - now.rows.length)
            now = waiting.shift()
            send()
            break
          case 'broken':
            reject(new LabError(message.error))
            break
        }
      })
      send()
    })
  }
}

function progressCounter(total: number, { onProgress }: RunStudy): { readonly count: (generations: number) => void } {
  const started = performance.now()
  let done = 0
  const report = (): void => {
    const seconds = (performance.now() - started) / 1000
    const secondsLeft = seconds > 2 && done > 0 ? { secondsLeft: (seconds / done) * (total - done) } : {}
    onProgress({ phase: 'simulating', percent: Math.min(100, (100 * done) / total), ...secondsLeft })
  }
  report()
  return {
    count: (generations) => {
      done += generations
      report()
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
