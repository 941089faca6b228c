import type { Terminal } from './terminal.ts'
import { EXIT } from './exit-code.ts'

/** Stopping a guest politely takes a few seconds at most; after this the process ends in any case. */
const STOP_LIMIT_MS = 30_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs `job` with a signal that Ctrl-C aborts. The first one asks the job to end and keep its evidence, a second one
 * (or {@link STOP_LIMIT_MS}) ends the process at once; guests are tied to its life and die with it.
 */
export async function interruptible<T>(terminal: Terminal, job: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let limit: NodeJS.Timeout | undefined
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.incomplete)
    terminal.err(`${terminal.live ? '\r\u001b[K' : ''}stopping; once more to stop at once\n`)
    limit = setTimeout(() => process.exit(EXIT.incomplete), STOP_LIMIT_MS)
    limit.unref()
    controller.abort()
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  try {
    return await job(controller.signal)
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal)
    clearTimeout(limit)
  }
}
