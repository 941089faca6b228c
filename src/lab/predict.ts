import { createHash } from 'node:crypto'
import { predict } from '../model/predict.ts'
import type { Experiment, Prediction } from '../shared/documents/index.ts'
import { canonicalJson } from '../shared/json.ts'
import { LabError } from '../shared/result.ts'
import { factsOf, imagesOf, type LookupOptions } from './kernels.ts'
import { sweepExperiment, type Sweep, type SweepResult } from './sweep.ts'

/** SHA-256 of a document's canonical JSON. */
export const documentSha256 = (document: unknown): string => createHash('sha256').update(canonicalJson(document)).digest('hex')

/** What the kernel will do, without starting it. Rejects with LabError image-missing or bad-kernel. */
export async function predictExperiment(experiment: Experiment, options: LookupOptions = {}): Promise<Prediction> {
  const images = await imagesOf(experiment, options)
  return predict(experiment, await factsOf(images, experiment), { experimentSha256: documentSha256(experiment) })
}

/** The same for every value of a sweep, of the first boot and the next kernel. Rejects as above, and with usage. */
export async function predictSweep(experiment: Experiment, sweep: Sweep, options: LookupOptions = {}): Promise<SweepResult> {
  const images = await imagesOf(experiment, options)
  const [first, next = first] = await factsOf(images.slice(0, 2), experiment)
  if (first === undefined || next === undefined)
    throw new LabError({ code: 'internal', message: 'an experiment without a kernel', hint: 'Please report this.' })
  return sweepExperiment(experiment, [first, next], sweep)
}
