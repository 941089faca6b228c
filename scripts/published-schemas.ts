import { z } from 'zod'
import {
  Comparison,
  ExperimentFile,
  ImageManifest,
  Observation,
  Prediction,
  RunDiff,
  RunEvents,
  StudyFile,
  StudyResult,
} from '../src/shared/documents/index.ts'

/** The documents whose form other programs may rely on. The experiment is published as it is written, before defaults. */
const DOCUMENTS = [
  { file: 'experiment.json', schema: ExperimentFile, io: 'input' },
  { file: 'prediction.json', schema: Prediction, io: 'output' },
  { file: 'observation.json', schema: Observation, io: 'output' },
  { file: 'comparison.json', schema: Comparison, io: 'output' },
  { file: 'run-diff.json', schema: RunDiff, io: 'output' },
  { file: 'run-events.json', schema: RunEvents, io: 'output' },
  { file: 'image.json', schema: ImageManifest, io: 'output' },
  { file: 'study.json', schema: StudyFile, io: 'input' },
  { file: 'study-result.json', schema: StudyResult, io: 'output' },
] as const

export interface PublishedSchema {
  /** Name below schemas/. */
  readonly file: string
  /** JSON Schema, draft 2020-12. */
  readonly text: string
}

export const publishedSchemas = (): readonly PublishedSchema[] =>
  DOCUMENTS.map(({ file, schema, io }) => ({
    file,
    text: `${JSON.stringify(flatten(z.toJSONSchema(schema, { io })), undefined, 2)}\n`,
  }))

/** zod puts a schema that has an id below $defs and refers to it; a file of its own reads better with the schema at the top. */
function flatten(document: z.core.JSONSchema.JSONSchema): z.core.JSONSchema.JSONSchema {
  const { $schema, $ref, $defs, ...rest } = document
  const name = $ref?.replace('#/$defs/', '').replaceAll('~1', '/')
  if (name === undefined || $defs?.[name] === undefined) return document
  const { [name]: main, ...others } = $defs
  return { $schema, $id: name, ...rest, ...main, ...(Object.keys(others).length === 0 ? {} : { $defs: others }) }
}
