import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diffRuns, type RunDocuments } from '../compare/diff-runs.ts'
import { Comparison, JsonValue, Observation, Prediction, type RunDiff } from '../shared/documents/index.ts'
import { cannotRead } from './read-file.ts'
import { parseDocument, readDocumentIfThere } from './read-document.ts'

/**
 * What changed between two runs. Each is a run's folder, or a file that holds its comparison (comparison.json, or what
 * `report --format json` writes). Rejects with LabError run-not-found or bad-document, which names the file.
 */
export async function diffStored(a: string, b: string): Promise<RunDiff> {
  const [one, other] = await Promise.all([runDocuments(a), runDocuments(b)])
  return diffRuns(one, other)
}

async function runDocuments(path: string): Promise<RunDocuments> {
  try {
    const isFolder = (await stat(path)).isDirectory()
    const file = isFolder ? join(path, 'comparison.json') : path
    const comparison = parseDocument(file, await readFile(file, 'utf8'), Comparison)
    if (!isFolder) return { comparison }
    const [experiment, prediction, observation] = await Promise.all([
      readDocumentIfThere(join(path, 'experiment.json'), JsonValue),
      readDocumentIfThere(join(path, 'prediction.json'), Prediction),
      readDocumentIfThere(join(path, 'observation.json'), Observation),
    ])
    return { comparison, experiment, cmdlines: prediction?.cmdlines, observation }
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'syscall' in error) throw cannotRead(path, error, 'run-not-found')
    throw error
  }
}
