import {
  ExperimentFile,
  completeExperiment,
  type Experiment,
  type ExperimentInput,
  type KernelFacts,
  type Prediction,
} from '../shared/documents/index.ts'
import { MiB } from '../shared/units.ts'
import { predict } from './predict.ts'

/** Experiments and kernels for the unit tests of this folder. */
export function experimentOf(input: Omit<ExperimentInput, 'name'>): Experiment {
  const { experiment, issues } = completeExperiment(ExperimentFile.parse({ name: 'test', accelerator: 'tcg', ...input }))
  if (experiment === undefined) throw new Error(JSON.stringify(issues))
  return experiment
}

export const kernelOf = (release = '7.3.4', overrides: Partial<KernelFacts> = {}): KernelFacts => ({
  release,
  bzImageSha256: 'a'.repeat(64),
  initrdSize: 4 * MiB,
  header: {
    initSize: 0xf2d000,
    prefAddress: 0x1000000,
    kernelAlignment: 0x200000,
    relocatable: true,
    setupSects: 31,
    version: 527,
  },
  purgatorySize: 0x5000,
  ...overrides,
})

export const predictionOf = (input: Omit<ExperimentInput, 'name'>, kernels?: readonly KernelFacts[]): Prediction => {
  const experiment = experimentOf(input)
  return predict(experiment, kernels ?? experiment.kernels.map(() => kernelOf()), { experimentSha256: '0'.repeat(64) })
}

/** One line per claim: id, and what is predicted in short. */
export const outline = (prediction: Prediction): readonly string[] =>
  prediction.claims.map(({ id, prediction: { kind, ...rest }, finding }) => {
    const detail =
      'rule' in rest ? `${rest.rule} (${rest.given.join(' ')})` : 'value' in rest ? JSON.stringify(rest.value) : rest.reason
    return `${id}: ${kind} ${detail}${finding === undefined ? '' : ` [${finding}]`}`
  })
