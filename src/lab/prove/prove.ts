import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Experiment, ExperimentInput } from '../../shared/documents/index.ts'
import { LabError, toLabError } from '../../shared/result.ts'
import { experimentError, parseExperimentYaml } from '../experiment-file.ts'
import { runExperiment } from '../run/run-experiment.ts'
import { drawExperiment, drawExperimentWithWorkload } from './draw.ts'
import { earlierTrial } from './earlier.ts'
import { tally, type Proof, type Trial } from './tally.ts'

export interface ProofRequest {
  readonly seed: number
  readonly count: number
  /** Number of the first experiment; 0 unless a single one is to be repeated. */
  readonly first: number
  /** Each with steps in every boot that allocate, preserve and take back. */
  readonly workload?: boolean | undefined
  /** Experiments at the same time. */
  readonly jobs: number
  /** Every run keeps its folder here, by its number; absent: nothing is kept. */
  readonly out?: string | undefined
  readonly signal: AbortSignal
  /** Takes what an earlier call has finished in `out`, and goes on with the rest. */
  readonly resume?: boolean | undefined
  /** After each experiment. */
  readonly onTrial: (trial: Trial, done: number) => void
}

/** The experiment as a file that anyone can run, and as it is run. */
export function drawn(
  seed: number,
  index: number,
  workload = false,
): { readonly experiment: Experiment; readonly source: string } {
  const draw = workload ? drawExperimentWithWorkload : drawExperiment
  // What is drawn is modelled for TCG; under KVM much depends on the host's processor.
  const input: ExperimentInput = { ...draw(seed, index), accelerator: 'tcg' }
  const source = stringify(input)
  const parsed = parseExperimentYaml(source, input.name)
  if (!parsed.ok) throw experimentError(parsed.error)
  return { experiment: parsed.value, source }
}

/**
 * Draws, predicts, runs and compares `count` experiments. When `signal` is aborted the experiments that run are stopped and not
 * counted; what was finished is told all the same. Rejects with LabError where no experiment can run at all: image-missing,
 * qemu-missing, out-unwritable.
 */
export async function prove(request: ProofRequest): Promise<Proof> {
  const { seed, count, first, jobs, signal, onTrial } = request
  const trials: Trial[] = []
  const folder = request.out ?? (await mkdtemp(join(tmpdir(), 'kho-lab-prove-')))
  let next = first
  const worker = async (): Promise<void> => {
    while (next < first + count && !signal.aborted) {
      const index = next
      next += 1
      const own = join(folder, String(index).padStart(4, '0'))
      const { experiment, source } = drawn(seed, index, request.workload)
      const earlier = request.resume === true ? await earlierTrial(own, index, experiment) : undefined
      const trial = earlier ?? (await runTrial(request, { index, folder: own, experiment, source }))
      if (trial === undefined) return
      trials.push(trial)
      onTrial(trial, trials.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: jobs }, worker))
  } finally {
    if (request.out === undefined) await rm(folder, { recursive: true, force: true })
  }
  return tally(seed, count, trials)
}

/** Errors that the next experiment would meet as well. */
const FATAL: ReadonlySet<string> = new Set(['image-missing', 'qemu-missing', 'bad-kernel', 'out-unwritable', 'disk-full'])

interface Drawn {
  readonly index: number
  readonly folder: string
  readonly experiment: Experiment
  readonly source: string
}

/** Undefined when it was stopped. */
async function runTrial({ signal, out }: ProofRequest, { index, folder, experiment, source }: Drawn): Promise<Trial | undefined> {
  const startedAt = performance.now()
  const trial = (end: Trial['end']): Trial => ({
    index,
    name: experiment.name,
    seconds: (performance.now() - startedAt) / 1000,
    end,
  })
  try {
    const { comparison, lost } = await runExperiment({ experiment, source, out: folder, signal })
    return lost?.code === 'cancelled' ? undefined : trial({ kind: 'compared', comparison })
  } catch (error) {
    if (signal.aborted) return undefined
    const { code, message } = toLabError(error)
    if (FATAL.has(code)) throw error
    return trial({ kind: 'failed', code, message })
  } finally {
    if (out === undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** Reads what the command line says. Throws LabError usage. */
export function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new LabError({ code: 'usage', message: `${name} is a whole number from ${least} to ${most}, not "${text}"` })
}
