import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { compare } from '../../compare/compare.ts'
import { resolve } from '../../model/resolve.ts'
import { formats } from '../../report/formats.ts'
import type { Comparison, Observation, Prediction, RunEnvironment } from '../../shared/documents/index.ts'
import { reportExtras, SERIAL_LOG } from '../report.ts'
import { environmentOf } from './environment.ts'
import { EVENTS_FILE } from './event-log.ts'
import { givensFrom } from './givens.ts'
import { LAB_VERSION } from './lab-version.ts'
import type { Gathered, Planned } from './run-state.ts'
import type { RunFolder } from './run-folder.ts'

/** Compares what was gathered with the sealed prediction and writes every document and report of the run. */
export async function writeResults(planned: Planned, gathered: Gathered): Promise<Comparison> {
  const { folder, prediction, sealed, request } = planned
  await folder.flush()
  await folder.writeJson(EVENTS_FILE, planned.events.document())
  const observation: Observation = {
    document: 'kho-lab/observation',
    version: 1,
    environment: environment(planned, gathered),
    hops: gathered.hops,
    ...lostOf(gathered),
    raw: [...folder.raw.entries(), ...(await serialEntry(folder))],
  }
  const comparison = compare(resolve(prediction, givensFrom(observation)), observation, {
    experiment: { name: request.experiment.name, sha256: prediction.experimentSha256 },
    prediction: { sha256: sealed.sha256, at: sealed.at },
    resolutions: gathered.resolutions,
  })
  await writeDocuments(folder, observation, prediction, comparison)
  return comparison
}

/** The documents and every report of a run. */
export async function writeDocuments(
  folder: RunFolder,
  observation: Observation,
  prediction: Prediction,
  comparison: Comparison,
): Promise<void> {
  const extras = await reportExtras(folder.directory, observation, prediction)
  await Promise.all([
    folder.writeJson('observation.json', observation),
    ...WRITTEN.map((name) => folder.writeText(`report.${formats[name].extension}`, formats[name].render(comparison, extras))),
  ])
  // Last of all: a run folder with a comparison is complete.
  await folder.writeJson('comparison.json', comparison)
}

/** Every format but the comparison itself, which has a file of its own. */
const WRITTEN = ['html', 'md', 'txt', 'ktap'] as const

function environment({ startedAt, accelerator, images }: Planned, { machine }: Gathered): RunEnvironment {
  const [image] = images
  if (image === undefined) throw new RangeError('an experiment has at least one boot')
  return environmentOf({ startedAt, endedAt: new Date().toISOString(), labVersion: LAB_VERSION, accelerator, image, machine })
}

function lostOf({ lost, hop, phase, workload }: Gathered): Pick<Observation, 'lost'> {
  if (lost === undefined) return {}
  const { code, message, evidence } = lost
  return {
    lost: {
      code,
      message,
      hop,
      ...(phase === undefined ? {} : { phase }),
      ...(workload === undefined ? {} : { workload }),
      evidence: [...evidence],
    },
  }
}

async function serialEntry(folder: RunFolder): Promise<Observation['raw']> {
  try {
    const hash = createHash('sha256')
    let size = 0
    // A guest may have printed more than one buffer can hold.
    for await (const chunk of createReadStream(folder.path(SERIAL_LOG)) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      size += chunk.length
    }
    return [{ file: SERIAL_LOG, size, sha256: hash.digest('hex') }]
  } catch (error) {
    // A machine that did not start has no console.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
