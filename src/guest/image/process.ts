import { spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { LabError } from '../../shared/result.ts'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Everything that is printed goes to the end of this file, with the command before it. */
  readonly log?: string
  readonly signal?: AbortSignal | undefined
  /** Called for every line of stdout. */
  readonly onLine?: (line: string) => void
}

const LAST_LINES = 20
/** Of a parallel make the lines that tell what is wrong may come long before its last ones. */
const ERROR_LINES = 10
const ERROR_LINE = /\berror: |\*\*\* \[|No space left on device/
const KILL_AFTER_MS = 3000
const SETPRIV = '/usr/bin/setpriv'

/** With setpriv, a build does not outlive a lab that was killed: make gets SIGTERM and stops what it started. */
const withParent = (argv: readonly string[]): readonly string[] =>
  existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '--', ...argv] : argv

/** Calls `onLine` for every full line, and returns what to call at the end for a last one without newline. */
function lineSplitter(onLine: (line: string) => void): { push(text: string): void; end(): void } {
  let rest = ''
  return {
    push(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(onLine)
    },
    end() {
      if (rest !== '') onLine(rest)
    },
  }
}

/** What a failed step's output comes down to: its first errors, and its last lines. */
class Evidence {
  readonly #errors: string[] = []
  readonly #last: string[] = []

  line(text: string): void {
    this.#last.push(text)
    const gone = this.#last.length > LAST_LINES ? this.#last.shift() : undefined
    if (gone !== undefined && this.#errors.length < ERROR_LINES && ERROR_LINE.test(gone)) this.#errors.push(gone)
  }

  lines(): string[] {
    return this.#errors.length === 0 ? [...this.#last] : [...this.#errors, '[...]', ...this.#last]
  }
}

/** Ends a whole process group: SIGTERM, and SIGKILL for what is still there after three seconds. */
function endGroup(pid: number): NodeJS.Timeout {
  const send = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name)
    } catch (error) {
      // The group is gone already: that is what was wanted.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  send('SIGTERM')
  return setTimeout(() => send('SIGKILL'), KILL_AFTER_MS)
}

/**
 * Runs a build step in a process group of its own and resolves with its stdout. Rejects with LabError
 * image-build-failed (the last lines as evidence), tool-missing, or cancelled after the whole group has been ended.
 */
export async function runStep(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  if (options.signal?.aborted) throw new LabError({ code: 'cancelled', message: 'the build was cancelled' })
  const [command = '', ...args] = withParent(argv)
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const log = options.log === undefined ? undefined : openLog(options.log)
  log?.write(`$ ${argv.join(' ')}\n`)
  const told = new Evidence()
  const chunks: Buffer[] = []
  const out = lineSplitter((line) => {
    told.line(line)
    options.onLine?.(line)
  })
  const errors = lineSplitter((line) => told.line(line))
  child.stdout.on('data', (chunk: Buffer) => {
    if (options.onLine === undefined) chunks.push(chunk)
    log?.write(chunk)
    out.push(chunk.toString('utf8'))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    log?.write(chunk)
    errors.push(chunk.toString('utf8'))
  })
  let killTimer: NodeJS.Timeout | undefined
  const abort = (): void => {
    if (child.pid !== undefined) killTimer ??= endGroup(child.pid)
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once('error', (cause) => reject(cannotStart(argv[0] ?? '', cause)))
      child.once('close', (exit, by) => resolve({ code: exit, signal: by }))
    })
    out.end()
    errors.end()
    if (options.signal?.aborted) throw new LabError({ code: 'cancelled', message: 'the build was cancelled' })
    if (code !== 0)
      throw stepFailed(
        argv,
        code === null ? `was ended by ${signal ?? 'a signal'}` : `failed with exit code ${code}`,
        told.lines(),
        options.log,
      )
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    clearTimeout(killTimer)
    options.signal?.removeEventListener('abort', abort)
    await log?.close()
  }
}

/** A log that fails only when it is closed: the step that fills the disk shall end first, and be reaped. */
function openLog(file: string): { write(chunk: string | Buffer): void; close(): Promise<void> } {
  const stream = createWriteStream(file, { flags: 'a' })
  let failure: Error | undefined
  stream.on('error', (error) => (failure ??= error))
  return {
    write(chunk) {
      if (failure === undefined) stream.write(chunk)
    },
    async close() {
      if (failure === undefined) {
        stream.end()
        await finished(stream)
        return
      }
      throw new LabError({
        code: 'disk-full',
        message: `the build log cannot be written: ${failure.message}`,
        hint: `Free some space for ${file}.`,
      })
    },
  }
}

const cannotStart = (command: string, cause: Error): LabError =>
  new LabError({ code: 'tool-missing', message: `${command} could not be started: ${cause.message}` }, { cause })

function stepFailed(argv: readonly string[], how: string, evidence: readonly string[], log: string | undefined): LabError {
  return new LabError({
    code: 'image-build-failed',
    message: `${argv.slice(0, argv[1]?.startsWith('-') === true ? 1 : 2).join(' ')} ${how}`,
    hint: log === undefined ? `The command was: ${argv.join(' ')}` : `The whole log is in ${log}`,
    evidence,
  })
}
