import type { Command } from 'commander'
import type { Prediction } from '../../shared/documents/index.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { interruptible } from '../interrupt.ts'
import { progressLine } from '../progress-line.ts'
import { claimPredictionText } from '../prediction-text.ts'

const MORE = `
No guest is started: a prediction follows from the experiment and from the kernel files alone (their headers and sizes, so
an image must have been built, or --kernel given). Each claim is a value; or a rule, which is applied to what the guest
measures; or it is unpredicted, and says which rule is missing.

Example: kho-lab predict experiments/explicit-scratch.yaml
`

interface PredictOptions {
  readonly kernel?: string
}

export const predictCommand = (cli: Cli): Command =>
  newCommand('predict', 'Say what the kernel will do, without starting it', MORE)
    .argument('<FILE>', 'experiment in YAML')
    .option('--kernel <FILE>', 'predict for this bzImage at every boot')
    .action(async (file: string, options: PredictOptions) => {
      const [{ loadExperiment }, { predictExperiment }] = await Promise.all([
        import('../../lab/load-experiment.ts'),
        import('../../lab/predict.ts'),
      ])
      const { experiment } = await loadExperiment(file, { kernel: options.kernel })
      const line = progressLine(cli.terminal)
      const prediction = await interruptible(cli.terminal, (signal) =>
        predictExperiment(experiment, { signal, onProgress: line.update }).finally(line.clear),
      )
      printResult(cli, prediction, () => predictionText(prediction, cli))
    })

function predictionText(prediction: Prediction, { terminal }: Cli): string {
  const lines = prediction.cmdlines.flatMap((cmdline, hop) => [
    terminal.paint('bold', hop === 0 ? 'first boot' : `hop ${hop}`),
    `  kernel   ${prediction.kernels[hop]?.release ?? 'not known'}`,
    `  cmdline  ${cmdline}`,
    ...prediction.claims
      .filter((claim) => claim.hop === hop)
      .flatMap((claim) => [`  ${claim.subject}: ${claim.title}`, `      ${claimPredictionText(claim.prediction)}`]),
  ])
  return `${lines.join('\n')}\n`
}
