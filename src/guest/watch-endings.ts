import { LabError } from '../shared/result.ts'
import { EarlyHalt } from './early-halt.ts'
import { explainEnding, halted, outOfMemory, panicked } from './endings.ts'
import type { Doom } from './phases.ts'
import type { Launched } from './qemu/launch.ts'
import { type ConsoleCapture, isPanicEnd } from './qemu/serial.ts'

/** From a panic's first line to its end; a kernel that hangs in between is not waited for. */
const PANIC_MS = 1000

export interface EndingWatch {
  readonly console: ConsoleCapture
  readonly doom: Doom
  readonly duringKexec: () => boolean
  /** What a panic shows. */
  readonly evidence: () => readonly string[]
}

/** What the console has told of the boot that runs. */
export interface Endings {
  /** A connection that is lost, or a guest that is silent, as what it comes from where that was told; any other error as it is. */
  readonly explained: (error: unknown) => unknown
  /** Another kernel begins, and with all memory. */
  readonly nextBoot: () => void
}

/** Brings doom when the guest panics or QEMU ends, and says which of them it was. */
export function watchEndings({ qmp, process, consoleEnded }: Launched, watch: EndingWatch): Endings {
  const { console, doom } = watch
  let panic: string | undefined
  let shutdown: string | undefined
  let killed: string | undefined
  qmp.on('event', ({ event, data }) => {
    if (event === 'SHUTDOWN' && typeof data['reason'] === 'string') shutdown = data['reason']
  })
  console.on('trouble', ({ kind, text }) => {
    if (kind === 'out-of-memory') killed = text
    if (kind !== 'panic' || panic !== undefined) return
    panic = text
    const end = (): void => doom.come(panicked(text, watch.evidence()))
    setTimeout(end, PANIC_MS).unref()
    console.on('line', (line) => {
      if (isPanicEnd(line)) end()
    })
  })
  const early = new EarlyHalt()
  console.on('line', (line) => {
    const at = early.hear(line)
    if (at !== undefined) doom.come(halted(at, watch.evidence()))
  })
  void process.exited.then(async (exit) => {
    await consoleEnded
    doom.come(
      explainEnding({
        exit,
        panic,
        shutdown,
        duringKexec: watch.duringKexec(),
        stderr: process.stderr(),
        console: console.tail(),
      }),
    )
  })
  return {
    explained: (error) =>
      killed !== undefined && error instanceof LabError && (error.code === 'ssh-failed' || error.code === 'guest-silent')
        ? outOfMemory(killed, error, watch.evidence())
        : error,
    nextBoot: () => (killed = undefined),
  }
}
