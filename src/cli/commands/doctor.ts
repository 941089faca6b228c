import type { Command } from 'commander'
import type { Diagnosis } from '../../shared/contract.ts'
import { newCommand, printResult, type Cli } from '../command.ts'
import { EXIT } from '../exit-code.ts'

const MORE = `
Looks and says; it installs nothing. "missing" keeps the lab from running, "warning" only makes something slower or
unavailable. Exit code 0 when nothing is missing, 2 otherwise.

With --kernel it looks at a kernel instead, before hours of building and booting: which options of its configuration KHO and the
lab need, for its release, and how each is set. FILE is a bzImage that carries its configuration (CONFIG_IKCONFIG) or has it
beside, or a .config.

Example: kho-lab doctor --kernel ~/linux/.config
`

export const doctorCommand = (cli: Cli): Command =>
  newCommand('doctor', 'Check what this machine, or a kernel, has and lacks for running the lab', MORE)
    .option('--kernel <FILE>', 'look at this bzImage or .config instead')
    .action(async ({ kernel }: { readonly kernel?: string }) => {
      const diagnoses =
        kernel === undefined
          ? await (await import('../../lab/doctor-here.ts')).diagnoseThisMachine()
          : await (await import('../../lab/doctor-kernel.ts')).diagnoseKernel(kernel)
      printResult(cli, diagnoses, () => doctorText(diagnoses, cli))
      cli.exitCode = diagnoses.some(({ state }) => state === 'missing') ? EXIT.incomplete : EXIT.agreed
    })

const COLOURS = { ok: 'green', warning: 'yellow', missing: 'red' } as const

function doctorText(diagnoses: readonly Diagnosis[], { terminal }: Cli): string {
  const width = Math.max(...diagnoses.map(({ title }) => title.length))
  return diagnoses
    .map(({ title, state, detail, fix }) => {
      const head = `${terminal.paint(COLOURS[state], state.padEnd(8))} ${title.padEnd(width)}  ${detail}\n`
      return fix === undefined ? head : `${head}${' '.repeat(width + 11)}fix: ${fix}\n`
    })
    .join('')
}
