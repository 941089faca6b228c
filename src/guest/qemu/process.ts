import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { LabError } from '../../shared/result.ts'
import { LineSplitter } from './serial.ts'

export const QEMU_PROGRAM = 'qemu-system-x86_64'
const STDERR_LINES = 50

export interface QemuExit {
  readonly code: number | undefined
  readonly signal: string | undefined
}

/** A started QEMU. It is the lab's child, and dies with it. */
export interface QemuProcess {
  readonly pid: number
  /** Resolves when the process has ended and its stderr is read to the end. Never rejects. */
  readonly exited: Promise<QemuExit>
  /** The last lines that QEMU wrote on stderr. */
  stderr(): readonly string[]
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

export interface StartOptions {
  /** Become QEMU's file descriptors 3, 4 and so on. */
  readonly fds?: readonly number[]
  /** Where a chardev of QEMU's is `stdio`. */
  readonly onStdout?: (chunk: Buffer) => void
}

/** Absolute path of a program as the shell would find it, or undefined. */
export async function findProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const candidates = name.includes('/')
    ? [name]
    : path
        .split(delimiter)
        .filter(Boolean)
        .map((directory) => join(directory, name))
  for (const candidate of candidates) {
    const usable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable) return await realpath(candidate)
  }
  return undefined
}

/** Absolute path of QEMU. Rejects with LabError qemu-missing. */
export async function findQemu(program = QEMU_PROGRAM): Promise<string> {
  const found = await findProgram(program)
  if (found) return found
  throw new LabError({
    code: 'qemu-missing',
    message: `${program} is not installed`,
    hint: 'On Debian: apt-get install qemu-system-x86',
  })
}

/**
 * Starts QEMU under `setpriv --pdeathsig KILL`: the host's kernel then
 * kills it when the thread that started it ends, even by SIGKILL. Where setpriv is missing QEMU is started without, and
 * outlives a killed lab until reapLeftovers() runs; `guarded` tells. It gets a session of its own, so that Ctrl-C in the
 * terminal reaches the lab, which then decides.
 */
export async function startQemu(
  qemu: string,
  argv: readonly string[],
  { fds = [], onStdout }: StartOptions = {},
): Promise<{ process: QemuProcess; guarded: boolean }> {
  const setpriv = await findProgram('setpriv')
  const [program, args] = setpriv ? [setpriv, ['--pdeathsig', 'KILL', '--', qemu, ...argv]] : [qemu, [...argv]]
  const child = spawn(program, args, { stdio: ['ignore', onStdout ? 'pipe' : 'ignore', 'pipe', ...fds], detached: true })
  if (onStdout) child.stdout?.on('data', onStdout)
  return { process: await started(child), guarded: setpriv !== undefined }
}

async function started(child: ChildProcess): Promise<QemuProcess> {
  const lines: string[] = []
  const splitter = new LineSplitter()
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(...splitter.push(chunk))
    lines.splice(0, lines.length - STDERR_LINES)
  })
  const exited = new Promise<QemuExit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }))
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => {
      reject(
        new LabError({ code: 'qemu-start-failed', message: `QEMU could not be started: ${error.message}` }, { cause: error }),
      )
    })
  })
  if (child.pid === undefined) throw new LabError({ code: 'qemu-start-failed', message: 'QEMU could not be started' })
  const stderr = (): string[] => [...lines, splitter.partial()].filter((line) => line !== '')
  return { pid: child.pid, exited, stderr, kill: (signal) => void child.kill(signal) }
}
