import { Option, type Command } from 'commander'
import { newCommand, type Cli } from '../command.ts'

const MORE = `
DIR is the folder that run wrote. The report is made again from comparison.json and what lies beside it; nothing is measured
again. html opens without the lab and offline; txt has at most 72 columns, fit for a mailing list; ktap is what the kernel's
own selftests print; json is the comparison itself.

Examples:
  kho-lab report r --format txt
  kho-lab report r --format html -o result.html
`

const FORMATS = ['html', 'md', 'txt', 'ktap', 'json'] as const

interface ReportOptions {
  readonly format: (typeof FORMATS)[number]
  readonly output?: string
}

export const reportCommand = (cli: Cli): Command =>
  newCommand('report', 'Write the report of a finished run again, in any format', MORE)
    .argument('<DIR>', 'folder of a run')
    .addOption(new Option('--format <FORMAT>', 'which form').choices(FORMATS).default('txt'))
    .option('-o, --output <FILE>', 'write to this file instead of stdout')
    .action(async (directory: string, options: ReportOptions) => {
      const { renderRunReport, writeReport } = await import('../../lab/report.ts')
      const text = await renderRunReport(directory, cli.json ? 'json' : options.format)
      if (options.output === undefined) cli.terminal.out(text)
      else await writeReport(options.output, text)
    })
