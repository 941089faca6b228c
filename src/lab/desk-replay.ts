import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WireError, type RunEvent } from '../shared/contract.ts'
import { Comparison, Observation } from '../shared/documents/index.ts'
import { SERIAL_TAIL_LIMIT } from './desk-run-log.ts'
import { readTail } from './read-file.ts'
import { SERIAL_LOG } from './report.ts'
import { FAILURE_FILE } from './run/run-folder.ts'

/**
 * The events of a run that another process made, as far as its folder tells them: what was predicted, the phases, the end of
 * the serial log, the verdict. A document that is missing or damaged leaves out what it would have told.
 */
export async function replayRun(directory: string): Promise<readonly RunEvent[]> {
  const [observation, comparison, failure, serial] = await Promise.all([
    readDocument(join(directory, 'observation.json'), Observation),
    readDocument(join(directory, 'comparison.json'), Comparison),
    readDocument(join(directory, FAILURE_FILE), WireError),
    readTail(join(directory, SERIAL_LOG), SERIAL_TAIL_LIMIT),
  ])
  return [
    ...(comparison === undefined
      ? []
      : [{ type: 'predicted' as const, claims: comparison.claims.length, sha256: comparison.prediction.sha256 }]),
    ...(observation === undefined ? [] : observed(observation)),
    ...(serial === '' ? [] : [{ type: 'serial' as const, text: serial }]),
    ...ending(directory, comparison, failure),
  ]
}

function observed({ environment, hops }: Observation): RunEvent[] {
  const { used, why } = environment.accelerator
  return [
    { type: 'started', accelerator: used, why },
    ...hops.flatMap(({ hop, phases }) => phases.map(({ phase, ms }): RunEvent => ({ type: 'phase', hop, phase, ms }))),
  ]
}

function ending(directory: string, comparison: Comparison | undefined, failure: WireError | undefined): RunEvent[] {
  if (comparison) return [{ type: 'finished', directory, summary: comparison.summary, findings: comparison.findings }]
  const error = failure ?? {
    code: 'run-not-found',
    message: 'This run has no verdict: the process that made it ended before it.',
    hint: 'What it captured until then is in its folder. Run the experiment again.',
  }
  return [{ type: 'failed', error, directory }]
}

async function readDocument<T>(
  file: string,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined
    throw error
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
