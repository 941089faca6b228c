import { Option, type Command } from 'commander'
import type { RunEvent } from '../../shared/contract.ts'
import type { Experiment } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { exitCodeOfVerdict } from '../exit-code.ts'
import { interruptible } from '../interrupt.ts'
import { progressLine } from '../progress-line.ts'
import { eventLine, findingLines, verdictLine } from '../run-words.ts'

const MORE = `
First the prediction is made and sealed with a digest; then QEMU starts, the guest boots and kexecs as often as the experiment
says, and is observed from inside (debugfs, /proc, dmesg) and from outside (its RAM, QEMU's monitor); then both are compared.

DIR gets experiment.json, prediction.json, observation.json, comparison.json, report.html, .md, .txt and .ktap, and raw/ with
every capture and the serial log. Without --out a folder of its own is made below $XDG_STATE_HOME/kho-lab/runs.

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
    .action(async (file: string, options: RunOptions) => {
      const [{ loadExperiment }, { runToFolder }] = await Promise.all([import('../../lab/load-experiment.ts'), import('../../lab/run-to-folder.ts')])
      const loaded = await loadExperiment(file, options)
      const ended = await interruptible(cli.terminal, (signal) => runToFolder({ ...loaded, out: options.out, signal, ...show(cli) }))
      const { directory, summary, findings } = ended
      const report = `${directory}/report.html`
      printResult(cli, { directory, report, summary, findings }, () =>
        [verdictLine(summary, cli.terminal.paint), ...findingLines(findings, Math.min(cli.terminal.columns, 100)), `report: ${report}`, ''].join('\n'),
      )
      cli.exitCode = exitCodeOfVerdict(summary.run)
    })
