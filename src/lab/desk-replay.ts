import { join } from 'node:path'
import type { z } from 'zod'
import { WireError, type RunEvent } from '../shared/contract.ts'
import { Comparison, Observation, RunEvents } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { SERIAL_TAIL_LIMIT } from './desk-run-log.ts'
import { wireError } from './desk-runs.ts'
import { readTail } from './read-file.ts'
import { SERIAL_LOG } from './report.ts'
import { EVENTS_FILE } from './run/event-log.ts'
import { FAILURE_FILE } from './run/run-folder.ts'
import { readRunDocument } from './run/store.ts'

/**
 * The events of a run that another process made, as far as its folder tells them: what was predicted, the phases, the steps, the
 * end of the serial log, the verdict. A document that is missing or damaged leaves out what it would have told; a comparison that
 * cannot be read is why the run has no verdict.
 */
export async function replayRun(directory: string): Promise<readonly RunEvent[]> {
  const [observation, kept, comparison, failure, serial] = await Promise.all([
    read(directory, 'observation.json', Observation),
    read(directory, EVENTS_FILE, RunEvents),
    read(directory, 'comparison.json', Comparison),
    read(directory, FAILURE_FILE, WireError),
    readTail(join(directory, SERIAL_LOG), SERIAL_TAIL_LIMIT),
  ])
  const { value: compared } = comparison
  return [
    ...(compared === undefined
      ? []
      : [{ type: 'predicted' as const, claims: compared.claims.length, sha256: compared.prediction.sha256 }]),
    ...(observation.value === undefined ? [] : [startedAs(observation.value)]),
    ...(kept.value ? happened(kept.value) : observation.value ? phasesOf(observation.value) : []),
    ...(serial === '' ? [] : [{ type: 'serial' as const, text: serial }]),
    ending(directory, comparison, failure.value),
  ]
}

function happened({ events, leftOut }: RunEvents): readonly RunEvent[] {
  if (leftOut === 0) return events
  const half = Math.ceil(events.length / 2)
  return [...events.slice(0, half), { type: 'step', hop: 0, text: `${leftOut} events were not kept` }, ...events.slice(half)]
}

function startedAs({ environment }: Observation): RunEvent {
  const { used, why } = environment.accelerator
  return { type: 'started', accelerator: used, why }
}

/** Of a run of an earlier lab, which kept no events. */
const phasesOf = ({ hops }: Observation): RunEvent[] =>
  hops.flatMap(({ hop, phases }) => phases.map(({ phase, ms }): RunEvent => ({ type: 'phase', hop, phase, ms })))

function ending(directory: string, { value, problem }: Read<Comparison>, failure: WireError | undefined): RunEvent {
  if (value) return { type: 'finished', directory, summary: value.summary, findings: value.findings }
  const error = problem ??
    failure ?? {
      code: 'run-not-found',
      message: 'This run has no verdict: the process that made it ended before it.',
      hint: 'What it captured until then is in its folder. Run the experiment again.',
    }
  return { type: 'failed', error, directory }
}

interface Read<T> {
  /** Undefined where there is no such file, or it cannot be read. */
  readonly value: T | undefined
  /** Why it cannot be read. */
  readonly problem?: WireError
}

async function read<T extends z.ZodType>(directory: string, name: string, schema: T): Promise<Read<z.output<T>>> {
  try {
    return { value: await readRunDocument(directory, name, schema) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { value: undefined, problem: wireError(error) }
  }
}
