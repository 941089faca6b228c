import type { Command } from 'commander'
import { newCommand, printResult, type Cli } from '../command.ts'
import { diffText } from '../diff-text.ts'
import { EXIT } from '../exit-code.ts'

const MORE = `
Each RUN is a folder that run or attach wrote, or a file with its comparison (report --format json). Claims are matched by
their id: first those whose verdict changed, then those with another value, then machine, kernel and figures side by side.
Addresses differ from boot to boot under KASLR, so another value alone is no regression.

Exit code: 0 no verdict changed, 1 a verdict or a finding changed, 2 a run cannot be read, 64 wrong usage.

Example: kho-lab diff yesterday today
`

export const diffCommand = (cli: Cli): Command =>
  newCommand('diff', 'Compare two runs: another kernel, another machine, another day', MORE)
    .argument('<RUN1>', 'the run before')
    .argument('<RUN2>', 'the run after')
    .action(async (first: string, second: string) => {
      const { diffStored } = await import('../../lab/diff.ts')
      const diff = await diffStored(first, second)
      printResult(cli, diff, () => diffText(diff, cli.terminal))
      cli.exitCode = diff.verdicts.length + diff.findings.length === 0 ? EXIT.agreed : EXIT.disagreed
    })
