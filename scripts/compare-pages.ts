import { parseArgs } from 'node:util'
import { errorText } from '../src/cli/error-text.ts'
import { interruptible } from '../src/cli/interrupt.ts'
import { processTerminal } from '../src/cli/terminal.ts'
import { compareWithGuest } from '../src/lab/simulate/compare-with-guest.ts'
import { comparisonTables } from '../src/lab/simulate/page-comparison.ts'
import { LabError, toLabError } from '../src/shared/result.ts'
import { parseSize } from '../src/shared/units.ts'

const HELP = `npm run compare:pages -- [--memory 1GiB] [--json]

Boots a fresh guest, lets khoprobe allocate and free pages in it, does the same in the page model from what /proc/pagetypeinfo
of the guest showed before, and prints two tables: pages by step, and free blocks and pageblocks after each. Exit code: 0 done,
2 failed, 64 wrong usage. docs/policy-study.md explains what differs.
`

const terminal = processTerminal()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      memory: { type: 'string', default: '1GiB' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    terminal.out(HELP)
    return 0
  }
  const memory = parseSize(values.memory)
  if (memory === undefined) throw new LabError({ code: 'usage', message: `--memory ${values.memory}: not a size such as 1GiB` })
  const onStep = (words: string): void => terminal.err(`${words}\n`)
  const steps = await interruptible(terminal, (signal) => compareWithGuest({ memory, signal, onStep }))
  terminal.out(values.json ? `${JSON.stringify(steps)}\n` : comparisonTables(steps))
  return 0
}

process.exitCode = await main().catch((error: unknown) => {
  const failure = toLabError(error)
  terminal.err(errorText(failure))
  return failure.code === 'usage' ? 64 : 2
})
