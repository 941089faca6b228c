import { Command, InvalidArgumentError } from 'commander'
import { fromHex } from '../shared/units.ts'
import { jsonText } from '../shared/visible.ts'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'
import { reflowed } from './text-width.ts'

/** Where there is no terminal; commander's own default. */
const HELP_COLUMNS = 80

/** What every command gets: where to write, in which form, and where to leave the exit code. */
export interface Cli {
  readonly terminal: Terminal
  /** One JSON document on stdout instead of text. Known once a command's action runs. */
  json: boolean
  exitCode: ExitCode
}

/** A command with the options that all have, and `--help` text that ends with `more`. */
export function newCommand(name: string, summary: string, more: string): Command {
  return new Command(name)
    .summary(summary)
    .description(summary)
    .option('--json', 'one JSON document on stdout; progress stays on stderr')
    .addHelpText('after', helpText(more))
}

/** What stands below a command's options, as wide as they are. */
export const helpText =
  (more: string) =>
  ({ command }: { readonly command: Command }): string =>
    `\n${reflowed(more.trim(), command.configureOutput().getOutHelpWidth?.() ?? HELP_COLUMNS)}\n`

/** Prints a result: as JSON for programs, as text for people. */
export function printResult(cli: Cli, json: unknown, text: () => string): void {
  cli.terminal.out(cli.json ? `${jsonText(json)}\n` : text())
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('a port is a number from 0 (any free one) to 65535')
  return port
}

export function parsePid(text: string): number {
  const pid = Number(text)
  if (!/^\d+$/.test(text) || pid < 1 || pid > 2 ** 22) throw new InvalidArgumentError('a process is named by its number')
  return pid
}

/** Hexadecimal with 0x, or decimal. */
export function parseAddress(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : hexOrNaN(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('an address is written 0x1234000')
  return value
}

function hexOrNaN(text: string): number {
  try {
    return fromHex(text)
  } catch (error) {
    if (error instanceof RangeError) return Number.NaN
    throw error
  }
}
