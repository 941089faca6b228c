import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { withParameter, type Study, type StudyResult } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import type { Job, JobAnswer, WorkerMessage } from './job.ts'

export interface StudyProgress {
  readonly phase: string
  /** Of all generations of all simulations. Those of a handover that failed count as done. */
  readonly percent: number
}

export interface RunStudy {
  readonly study: Study
  readonly signal: AbortSignal
  readonly onProgress: (progress: StudyProgress) => void
  /** Threads; as many as there are processors unless said otherwise. */
  readonly workers?: number | undefined
  /** This seed alone, instead of 1 to the study's number of seeds. */
  readonly seed?: number | undefined
  readonly check?: boolean | undefined
}

/** Every policy with every seed and value, over worker threads. The same study gives the same result. Rejects with LabError cancelled or internal. */
export async function runStudy(options: RunStudy): Promise<StudyResult> {
  const { study, seed } = options
  const jobs = jobsOf(options)
  const answers = await doAll(jobs, options)
  return {
    study: study.name,
    generations: study.generations,
    seeds: seed === undefined ? study.seeds : 1,
    ...(study.vary === undefined ? {} : { vary: study.vary.parameter }),
    rows: answers.flatMap(({ rows }) => rows),
    primitives: answers.flatMap(({ primitive }) => (primitive === undefined ? [] : [primitive])),
  }
}

function jobsOf({ study, seed, check = false }: RunStudy): readonly Job[] {
  const seeds = seed === undefined ? Array.from({ length: study.seeds }, (_unused, index) => index + 1) : [seed]
  const cases =
    study.vary === undefined
      ? [{ value: undefined, study }]
      : study.vary.values.map((value) => ({
          value,
          study: { ...study, ...withParameter(study, study.vary?.parameter ?? 'workload.growth', value) },
        }))
  const all = cases.flatMap(({ value, study: { machine, boot, workload, zoneSwitch } }, caseIndex) =>
    study.policies.flatMap((policy) =>
      seeds.map((each, seedIndex) => ({
        study: { machine, boot, workload, zoneSwitch },
        policy,
        value,
        seed: each,
        generations: study.generations,
        check,
        primitive: caseIndex === 0 && seedIndex === 0,
      })),
    ),
  )
  return all.map((job, index) => ({ index, ...job }))
}

/** From the sources the worker is a module beside this one; in the bundle it is a file beside the command. */
const workerFile = (): URL => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : '../simulate-worker.js', import.meta.url)

async function doAll(
  jobs: readonly Job[],
  { study, signal, onProgress, workers = availableParallelism() }: RunStudy,
): Promise<readonly JobAnswer[]> {
  signal.throwIfAborted()
  const answers: JobAnswer[] = []
  const waiting = [...jobs]
  const total = jobs.length * study.generations
  let done = 0
  const threads = Array.from({ length: Math.min(workers, jobs.length) }, () => new Worker(workerFile()))
  const report = (phase: string): void => onProgress({ phase, percent: Math.min(100, (100 * done) / total) })
  try {
    await Promise.race([cancelled(signal), Promise.all(threads.map((thread) => serve(thread)))])
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  return answers.sort((a, b) => a.index - b.index)

  /** Feeds one thread until no job is left. */
  function serve(thread: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let counted = 0
      const send = (): void => {
        const job = waiting.shift()
        if (job === undefined) {
          resolve()
          return
        }
        counted = 0
        thread.postMessage(job)
        report(`${job.policy}, seed ${job.seed}`)
      }
      thread.on('error', reject)
      thread.on('message', (message: WorkerMessage) => {
        switch (message.type) {
          case 'generation':
            counted++
            done++
            report(`${answers.length} of ${jobs.length} simulations`)
            break
          case 'answer':
            done += study.generations - counted
            answers.push(message.answer)
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

const cancelled = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => reject(new LabError({ code: 'cancelled', message: 'the study was cancelled; nothing of it was kept' })),
      { once: true },
    )
  })
