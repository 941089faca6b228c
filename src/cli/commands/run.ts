import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { RunEvent } from '../../shared/contract.ts'
import type { Experiment } from '../../shared/documents/index.ts'
import { visible } from '../../shared/visible.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { errorText } from '../error-text.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { interruptible } from '../interrupt.ts'
import { eventLine, findingLines, noteLines, verdictLine } from '../run-words.ts'

const MORE = `
First the prediction is made and sealed with a digest; then QEMU starts, the guest boots and kexecs as often as the experiment
says, and is observed from inside (debugfs, /proc, dmesg) and from outside (its RAM, QEMU's monitor); then both are compared.

DIR gets experiment.json, prediction.json, observation.json, comparison.json, report.html, .md, .txt and .ktap, and raw/ with
every capture and the serial log. Without --out a folder of its own is made below $XDG_DATA_HOME/kho-lab/runs.

Ctrl-C stops the guest and keeps what was observed; a second one ends at once.

Exit code: 0 agreed, 1 disagreed, 2 incomplete, lost or failed, 64 wrong usage or a wrong experiment file.

Example: kho-lab run experiments/two-nodes.yaml --out r
`

interface RunOptions {
  readonly out?: string
  readonly kernel?: string
  readonly accelerator?: Experiment['accelerator']
}

export const runCommand = (cli: Cli): Command =>
  newCommand('run', 'Predict, run on a real kernel, observe, compare, report', MORE)
    .argument('<FILE>', 'experiment in YAML')
    .option('--out <DIR>', 'folder for the results; must be empty or not exist')
    .option('--kernel <FILE>', 'use this bzImage at every boot')
    .addOption(new Option('--accelerator <NAME>', 'instead of what the experiment says').choices(['auto', 'kvm', 'tcg']))
    .action((file: string, options: RunOptions) => run(cli, file, options))

async function run(cli: Cli, file: string, options: RunOptions): Promise<void> {
  const { terminal } = cli
  const [{ loadExperiment }, { runExperiment }] = await Promise.all([
    import('../../lab/load-experiment.ts'),
    import('../../lab/run/run-experiment.ts'),
  ])
  const { experiment, source } = await loadExperiment(file, options)
  const out = options.out ?? (await ownFolder(experiment.name))
  const onEvent = (event: RunEvent): void => {
    const line = eventLine(event)
    if (line !== undefined) terminal.err(`${visible(line)}\n`)
  }
  const { directory, comparison, lost } = await interruptible(terminal, (signal) =>
    runExperiment({ experiment, source, out, signal, onEvent }),
  )
  const { summary, findings } = comparison
  const report = join(directory, 'report.html')
  if (lost !== undefined) terminal.err(errorText(lost))
  printResult(cli, { directory, report, summary, findings, ...(lost === undefined ? {} : { error: lost }) }, () => {
    const lines = [
      verdictLine(summary, terminal.paint),
      ...noteLines(comparison.claims),
      ...(comparison.outcomes ?? []).map((sentence) => `note: ${visible(sentence)}`),
      ...(comparison.ended === undefined ? [] : [`note: ${visible(comparison.ended)}`]),
      ...findingLines(findings, Math.min(terminal.columns, 100)),
      `report: ${report}`,
    ]
    return `${lines.join('\n')}\n`
  })
  cli.exitCode = exitCodeOfVerdict(summary.run)
}

async function ownFolder(experimentName: string): Promise<string> {
  const { newRunFolder, runsDirectory } = await import('../../lab/run/store.ts')
  return (await newRunFolder(runsDirectory(), new Date(), experimentName)).directory
}
