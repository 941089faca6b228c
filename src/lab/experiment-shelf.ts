import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { ExperimentListing } from '../shared/contract.ts'
import type { Experiment } from '../shared/documents/index.ts'
import { experimentError, parseExperimentYaml } from './experiment-file.ts'
import { EXPERIMENTS_DIRECTORY } from './own-folders.ts'

/** What a newcomer should see first. */
const FIRST = 'hello'

/** The experiments of a folder, hello first. A file with an issue is listed with it: it can be opened and corrected. */
export async function listExperiments(directory: string = EXPERIMENTS_DIRECTORY): Promise<readonly ExperimentListing[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort()
  const listings = await Promise.all(files.map((name) => listing(directory, name)))
  return listings.sort((a, b) => Number(b.id === FIRST) - Number(a.id === FIRST))
}

async function listing(directory: string, file: string): Promise<ExperimentListing> {
  const yaml = await readFile(join(directory, file), 'utf8')
  const id = basename(file, '.yaml')
  const parsed = parseExperimentYaml(yaml, file)
  if (!parsed.ok) return { id, name: id, description: experimentError(parsed.error).message, yaml }
  return { id, name: parsed.value.name, description: parsed.value.description ?? '', yaml }
}

/** An experiment from a page's text. Kernel images in it are relative to the folder of experiments. Throws LabError bad-experiment. */
export function experimentOfText(yaml: string, directory: string = EXPERIMENTS_DIRECTORY): Experiment {
  const parsed = parseExperimentYaml(yaml, 'experiment.yaml')
  if (!parsed.ok) throw experimentError(parsed.error)
  const kernels = parsed.value.kernels.map((kernel) =>
    kernel.image === undefined ? kernel : { ...kernel, image: resolve(directory, kernel.image) },
  )
  return { ...parsed.value, kernels }
}
