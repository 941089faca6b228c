import { claimName, conditionText } from '../../shared/claim-name.ts'
import type { Command } from 'commander'
import type { Experiment, Prediction } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { interruptible } from '../interrupt.ts'
import { progressLine } from '../progress-line.ts'
import { claimPredictionText } from '../prediction-text.ts'

const MORE = `
No guest is started: a prediction follows from the experiment and from the kernel files alone (their headers and sizes, so
an image must have been built, or --kernel given). Each claim is a value; or a rule, which is applied to what the guest
measures; or it is unpredicted, and says which rule is missing.

--sweep gives one line per value of KEY instead: scratch of the first boot, and whether kexec_file_load finds room in it for
the next kernel, its initrd and all else. KEY is memory, cpus, nodes or scratch (in percent). Sizes and percentages double
from FROM, counts go up by one, and TO is always the last; STEPS values lie at even distances. Memory is divided evenly
among the nodes. --html also writes charts of it. Every line is without KASLR, and under TCG unless the experiment says kvm; what was assumed so is said.

Examples:
  kho-lab predict experiments/explicit-scratch.yaml
  kho-lab predict experiments/hello.yaml --sweep memory=1GiB..4TiB
  kho-lab predict experiments/hello.yaml --sweep scratch=50%..400%:8 --csv
`

interface PredictOptions {
  readonly kernel?: string
  readonly sweep?: string
  readonly csv?: boolean
  readonly html?: string
}

export const predictCommand = (cli: Cli): Command =>
  newCommand('predict', 'Say what the kernel will do, without starting it', MORE)
    .argument('<FILE>', 'experiment in YAML')
    .option('--kernel <FILE>', 'predict for this bzImage at every boot')
    .option('--sweep <KEY=FROM..TO[:STEPS]>', 'one line per value of memory, cpus, nodes or scratch')
    .option('--csv', 'the lines of a sweep as CSV, sizes in bytes')
    .option('--html <FILE>', 'also write charts and table of a sweep as one page')
    .action(async (file: string, options: PredictOptions) => {
      if (options.csv === true && options.sweep === undefined)
        throw new LabError({ code: 'usage', message: '--csv is for a sweep', hint: 'Give --sweep too, or --json instead.' })
      if (options.html !== undefined && options.sweep === undefined)
        throw new LabError({ code: 'usage', message: '--html is for a sweep', hint: 'Give --sweep too.' })
      if (options.csv === true && cli.json)
        throw new LabError({ code: 'usage', message: '--json and --csv both want stdout', hint: 'Give one of them.' })
      const [{ loadExperiment }, { predictExperiment }] = await Promise.all([
        import('../../lab/load-experiment.ts'),
        import('../../lab/predict.ts'),
      ])
      const { experiment } = await loadExperiment(file, { kernel: options.kernel })
      if (options.sweep !== undefined) return predictedSweep(cli, experiment, options.sweep, options)
      const line = progressLine(cli.terminal)
      const prediction = await interruptible(cli.terminal, (signal) =>
        predictExperiment(experiment, { signal, onProgress: line.update }).finally(line.clear),
      )
      printResult(cli, prediction, () => predictionText(prediction, cli))
    })

async function predictedSweep(cli: Cli, experiment: Experiment, text: string, { csv, html }: PredictOptions): Promise<void> {
  const [{ predictSweep }, { parseSweep }, { assumptions, sweepCsv, sweepTable }] = await Promise.all([
    import('../../lab/predict.ts'),
    import('../../lab/sweep.ts'),
    import('../../lab/sweep-tables.ts'),
  ])
  const sweep = parseSweep(text)
  const line = progressLine(cli.terminal)
  const result = await interruptible(cli.terminal, (signal) =>
    predictSweep(experiment, sweep, { signal, onProgress: line.update }).finally(line.clear),
  )
  if (html !== undefined) {
    const { writeSweepPage } = await import('../../lab/sweep-page.ts')
    await writeSweepPage(html, experiment.name, result)
    cli.terminal.err(`charts: ${html}\n`)
  }
  if (csv === true) for (const assumption of assumptions(result.assumed)) cli.terminal.err(`${assumption}\n`)
  printResult(cli, result, () => (csv === true ? sweepCsv(result) : sweepTable(result)))
}

function predictionText(prediction: Prediction, { terminal }: Cli): string {
  const lines = prediction.cmdlines.flatMap((cmdline, hop) => [
    terminal.paint('bold', hop === 0 ? 'first boot' : `hop ${hop}`),
    `  kernel   ${prediction.kernels[hop]?.release ?? 'not known'}`,
    `  cmdline  ${cmdline}`,
    ...prediction.claims
      .filter((claim) => claim.hop === hop)
      .flatMap((claim) => {
        const condition = conditionText(claim)
        return [
          `  ${claimName(claim)}: ${claim.title}`,
          ...(condition === undefined ? [] : [`      ${condition}:`]),
          `      ${claimPredictionText(claim.prediction)}`,
        ]
      }),
  ])
  return `${lines.join('\n')}\n`
}
