import { Option, type Command } from 'commander'
import { REPORT_FORMATS } from '../../shared/contract.ts'
import { LabError } from '../../shared/result.ts'
import { newCommand, type Cli } from '../command.ts'

const MORE = `
DIR is the folder that run or attach wrote. The report is made again from comparison.json and what lies beside it; nothing is
measured again. html opens without the lab and offline; pdf is the same, printed by a Chromium of this machine; txt has at most
72 columns, fit for a mailing list; ktap is what the kernel's own selftests print; junit is what CI systems read; json is the
comparison itself.

Examples:
  kho-lab report r --format txt
  kho-lab report r --format html -o result.html
  kho-lab report r --format junit -o kho.xml
`

const FORMATS = [...REPORT_FORMATS, 'pdf'] as const

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
      const format = cli.json ? 'json' : options.format
      if (format === 'pdf' && options.output === undefined)
        throw new LabError({ code: 'usage', message: 'a PDF is not for the terminal', hint: 'Name a file with -o.' })
      const report =
        format === 'pdf'
          ? await (await import('../../lab/pdf.ts')).printWithChromium(await renderRunReport(directory, 'html'))
          : await renderRunReport(directory, format)
      if (options.output !== undefined) await writeReport(options.output, report)
      else if (typeof report === 'string') cli.terminal.out(report)
    })
