import { createHash } from 'node:crypto'
import { predict } from '../model/predict.ts'
import type { Experiment, Prediction } from '../shared/documents/index.ts'
import { canonicalJson } from '../shared/json.ts'
import { imagesOf, kernelFacts, type LookupOptions } from './kernels.ts'

/** SHA-256 of a document's canonical JSON. */
export const documentSha256 = (document: unknown): string => createHash('sha256').update(canonicalJson(document)).digest('hex')

/** What the kernel will do, without starting it. Rejects with LabError image-missing or bad-kernel. */
export async function predictExperiment(experiment: Experiment, options: LookupOptions = {}): Promise<Prediction> {
  const images = await imagesOf(experiment, options)
  const facts = await Promise.all(images.map(kernelFacts))
  return predict(experiment, facts, { experimentSha256: documentSha256(experiment) })
}
