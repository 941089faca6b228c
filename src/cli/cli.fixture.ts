import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCli } from './program.ts'
import { recordingTerminal } from './terminal.fixture.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

export interface CliResult {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A file that stdout goes to, instead of the result. */
  readonly stdout?: string
  /** Called with what stderr holds so far; may use the child to send signals. */
  readonly onStderr?: (text: string, child: { kill(signal: NodeJS.Signals): boolean }) => void
}

/** The command line without a process of its own: what it would print, and the exit code. */
export async function kholab(args: readonly string[]): Promise<CliResult> {
  const { terminal, written } = recordingTerminal({ live: false })
  const code = await runCli(args, terminal, '0.0.0')
  return { code, stdout: written.out.join(''), stderr: written.err.join('') }
}

/** Runs the real command line in a process of its own, as a user would: for signals, directories and environment. */
export function kholabProcess(
  args: readonly string[],
  { env = {}, cwd, stdout: file, onStderr }: CliOptions = {},
): Promise<CliResult> {
  const output = file === undefined ? 'pipe' : openSync(file, 'w')
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', output, 'pipe'],
    })
    if (output !== 'pipe') closeSync(output)
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
      onStderr?.(stderr, child)
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? undefined, stdout, stderr }))
  })
}

/** A directory that goes away with the test. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
