import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The Node that the lab runs on; it comes with the packages, so the machine's own may be older. */
export const LAB_NODE = join(ROOT, 'node_modules/.bin/node')

/** After asking a process group to end, this long until it is made to. */
const END_MS = 10_000

/**
 * Runs a command in the checkout with its output going to the terminal, at most `minutes`.
 * Resolves with its exit code; 124 when the time was up, 127 when it could not be started. `stdout: 'pipe'` also returns what it printed.
 * @param {readonly string[]} argv
 * @param {{ minutes: number, env?: Record<string, string>, stdout?: 'inherit' | 'pipe' | 'ignore', quiet?: boolean }} options
 * @returns {Promise<{ code: number, text: string }>}
 */
export function run([command, ...args], { minutes, env = {}, stdout = 'inherit', quiet = false }) {
  const path = `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, PATH: path, ...env },
      stdio: ['inherit', stdout, quiet ? 'ignore' : 'inherit'],
    })
    let text = ''
    let timedOut = false
    child.stdout?.on('data', (chunk) => (text += chunk))
    // Ctrl-C reaches the child through the terminal; it ends in good order and this waits for it.
    const pass = (signal) => signal !== 'SIGINT' && child.kill(signal)
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, pass)
    const limit = setTimeout(() => {
      timedOut = true
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), END_MS).unref()
    }, minutes * 60_000)
    const done = (code) => {
      clearTimeout(limit)
      for (const signal of signals) process.off(signal, pass)
      resolve({ code, text })
    }
    child.once('error', () => done(127))
    child.once('close', (code) => done(timedOut ? 124 : (code ?? 130)))
  })
}

/** Runs one of the lab's own commands: `kho-lab ARGS`. */
export const runLab = (args, options) => run([LAB_NODE, join(ROOT, 'src/cli/main.ts'), ...args], options)

/** True when PATH has the program. */
export const hasProgram = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => directory !== '' && existsSync(join(directory, name)))

export const say = (text) => process.stderr.write(`${text}\n`)

/** Says why, and how to go on, and ends. */
export function stop(text, code = 2) {
  say(`\n${text}`)
  process.exit(code)
}
