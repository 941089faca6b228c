import { Command, CommanderError } from 'commander'
import { LabError, toLabError } from '../shared/result.ts'
import { jsonText } from '../shared/visible.ts'
import { helpText, type Cli } from './command.ts'
import { attachCommand } from './commands/attach.ts'
import { decodeCommand } from './commands/decode.ts'
import { diffCommand } from './commands/diff.ts'
import { doctorCommand } from './commands/doctor.ts'
import { imageCommand } from './commands/image.ts'
import { predictCommand } from './commands/predict.ts'
import { reportCommand } from './commands/report.ts'
import { runCommand } from './commands/run.ts'
import { serveCommand } from './commands/serve.ts'
import { simulateCommand } from './commands/simulate.ts'
import { errorText } from './error-text.ts'
import { EXIT, exitCodeOfError, type ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

const MORE = `
A first round:
  kho-lab doctor                              is everything there?
  kho-lab image build                         build the guest's kernel, once
  kho-lab predict experiments/hello.yaml      what should the kernel do?
  kho-lab run experiments/hello.yaml --out r  do it, and compare
  kho-lab report r --format txt               read the result in another format

Exit codes: 0 agreed, 1 disagreed, 2 incomplete, lost or failed, 64 wrong usage or a wrong experiment file.
`

/** Runs one command line (without the interpreter and script) and answers the exit code. Never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  const cli: Cli = { terminal, json: argv.includes('--json'), exitCode: EXIT.agreed }
  const program = buildProgram(cli, version)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.agreed
    const labError = error instanceof CommanderError ? usageError(error) : toLabError(error)
    if (cli.json) terminal.out(`${jsonText({ error: labError })}\n`)
    terminal.err(errorText(labError))
    return exitCodeOfError(labError.code)
  }
}

/** The tree of commands. What each does is imported only when it runs, so that help and errors come at once. */
export function buildProgram(cli: Cli, version: string): Command {
  const program = new Command('kho-lab')
    .description('Predicts what Linux Kexec HandOver (KHO) will do, runs it on a real kernel in QEMU, and compares.')
    .version(version, '-V, --version')
    .option('--json', 'one JSON document on stdout; progress stays on stderr')
    .addHelpText('after', helpText(MORE))
    .showSuggestionAfterError(true)
    .hook('preAction', (_program, command) => {
      cli.json = command.optsWithGlobals<{ json?: boolean }>().json === true
    })
  for (const make of [
    doctorCommand,
    imageCommand,
    predictCommand,
    runCommand,
    reportCommand,
    diffCommand,
    attachCommand,
    decodeCommand,
    simulateCommand,
    serveCommand,
  ]) {
    program.addCommand(make(cli))
  }
  quieten(program, cli.terminal)
  return program
}

/** Makes Commander throw instead of ending the process, and leaves the printing of errors to runCli. */
function quieten(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
    outputError: () => undefined,
  })
  for (const child of command.commands) quieten(child, terminal)
}

function usageError(error: CommanderError): LabError {
  const noCommand = error.code === 'commander.help'
  const message = noCommand ? 'no command given' : error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  return new LabError(
    { code: 'usage', message, hint: 'kho-lab --help lists the commands, kho-lab COMMAND --help its options.' },
    { cause: error },
  )
}
