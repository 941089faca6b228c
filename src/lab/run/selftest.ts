import type { Machine } from '../../guest/machine.ts'
import type { RawStore } from '../../guest/observe/raw-store.ts'
import { notSeen, seen, selftestArguments, type HopObservation, type Selftest } from '../../shared/documents/index.ts'

const TIMEOUT_MS = 300_000
const OUTPUT_LIMIT = 64 * 1024

/** Runs the program of a selftest in boot `hop`; undefined where it has none to run. */
export async function runSelftest(
  machine: Machine,
  raw: RawStore,
  selftest: Selftest,
  hop: number,
): Promise<HopObservation['selftest']> {
  const args = selftestArguments(selftest, hop)
  if (args === undefined) return undefined
  const command = [`/selftests/${selftest}`, ...args].join(' ')
  const { code, stdout } = await machine.exec(`${command} 2>&1`, { timeoutMs: TIMEOUT_MS })
  if (code === 127) return notSeen(`${command}: the image has no such program; kernel.release "7.3-test" has it`)
  raw.put(`hop${hop}/selftest.txt`, stdout)
  const output = stdout.toString('utf8')
  return seen({ command, exitCode: code, ...ktapResults(output), output: output.slice(0, OUTPUT_LIMIT) })
}

/** Results of a KTAP text (Documentation/dev-tools/ktap.rst): a test that is skipped counts as neither. */
export function ktapResults(text: string): { readonly passed: number; readonly failed: string[] } {
  const results = text.split('\n').flatMap((line) => {
    const [, not, name = '', directive] = /^\s*(not )?ok \d+ ?-? ?([^#]*)(?:# (\w+))?/.exec(line) ?? []
    return /^\s*(?:not )?ok \d/.test(line) && directive !== 'SKIP' ? [{ ok: not === undefined, name: name.trim() }] : []
  })
  return { passed: results.filter(({ ok }) => ok).length, failed: results.filter(({ ok }) => !ok).map(({ name }) => name) }
}
