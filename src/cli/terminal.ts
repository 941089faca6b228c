import { systemWords } from '../lab/read-file.ts'
import { EXIT } from './exit-code.ts'

/** What a command may do to the terminal. Results go to stdout, everything else to stderr, so that a pipe gets only results. */
export interface Terminal {
  /** Results: the thing that was asked for. */
  readonly out: (text: string) => void
  /** Progress, log and errors. */
  readonly err: (text: string) => void
  /** stderr is a terminal: a line may be rewritten in place. */
  readonly live: boolean
  readonly columns: number
  /** Wraps text in an SGR colour where stdout takes it; otherwise returns it as it is. */
  readonly paint: (colour: Colour, text: string) => string
}

export type Colour = 'red' | 'green' | 'yellow' | 'bold' | 'dim'

const SGR: Readonly<Record<Colour, string>> = { red: '31', green: '32', yellow: '33', bold: '1', dim: '2' }

/** The terminal of this process, which ends when nobody reads it any more. Colours follow NO_COLOR and whether stdout is a terminal. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that went away (`kho-lab ... | head`) is no error of ours.
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
    process.stderr.write(`kho-lab: cannot write to stdout: ${systemWords(error)}\n  What is there of it is not all.\n`)
    process.exit(EXIT.incomplete)
  })
  const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb'
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    live: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    get columns() {
      return process.stderr.columns || 80
    },
    paint: (colour, text) => (colours ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text),
  }
}
