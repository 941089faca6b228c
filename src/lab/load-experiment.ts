import { dirname, resolve } from 'node:path'
import type { Experiment } from '../shared/documents/index.ts'
import { experimentError, parseExperimentYaml } from './experiment-file.ts'
import { readNamedFile } from './read-file.ts'

/** What the command line may say otherwise than the file. */
export interface ExperimentOverrides {
  /** A bzImage for every boot, relative to the working directory. */
  readonly kernel?: string | undefined
  readonly accelerator?: Experiment['accelerator'] | undefined
}

export interface LoadedExperiment {
  readonly experiment: Experiment
  /** The file as it was read, before any override. */
  readonly source: string
}

/** Reads an experiment file. Kernel images in it are relative to the file. Rejects with LabError bad-experiment. */
export async function loadExperiment(file: string, overrides: ExperimentOverrides = {}): Promise<LoadedExperiment> {
  const source = (await readNamedFile(file, 'bad-experiment')).toString('utf8')
  const parsed = parseExperimentYaml(source, file)
  if (!parsed.ok) throw experimentError(parsed.error)
  return { experiment: override(parsed.value, dirname(resolve(file)), overrides), source }
}

function override(experiment: Experiment, directory: string, { kernel, accelerator }: ExperimentOverrides): Experiment {
  const kernels = experiment.kernels.map((choice) => {
    const { release, image, ...rest } = choice
    if (kernel !== undefined) return { ...rest, image: resolve(kernel) }
    return image === undefined ? { ...rest, release } : { ...rest, image: resolve(directory, image) }
  })
  return { ...experiment, kernels, accelerator: accelerator ?? experiment.accelerator }
}
