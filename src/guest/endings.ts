import { LabError } from '../shared/result.ts'
import type { QemuExit } from './qemu/process.ts'

/** What was known when a guest ended by itself. */
export interface Ending {
  readonly exit: QemuExit
  /** `reason` of QEMU's SHUTDOWN event, if there was one. */
  readonly shutdown: string | undefined
  /** The panic line that the console showed, if any. */
  readonly panic: string | undefined
  /** True while `kexec -e` was under way. */
  readonly duringKexec: boolean
  readonly stderr: readonly string[]
  readonly console: readonly string[]
}

/** Why a machine is gone that nobody stopped. */
export function explainEnding(ending: Ending): LabError {
  const evidence = [...ending.stderr, ...ending.console]
  const when = ending.duringKexec ? ' during the kexec' : ''
  if (ending.panic !== undefined) return panicked(ending.panic, evidence)
  const how = ending.exit.signal ? `killed by ${ending.exit.signal}` : `exit code ${ending.exit.code}`
  switch (ending.shutdown) {
    case 'guest-reset':
      return died(`the guest reset itself${when} without a panic message: a triple fault, or a reboot`, evidence)
    case 'guest-shutdown':
      return died(`the guest powered itself off${when}`, evidence)
    case undefined:
      return died(`QEMU ended${when} (${how})`, evidence)
    default:
      return died(`QEMU ended${when}: ${ending.shutdown} (${how})`, evidence)
  }
}

export const panicked = (line: string, evidence: readonly string[]): LabError =>
  new LabError({ code: 'guest-panicked', message: `the guest panicked: ${line.slice(0, 300)}`, evidence })

/** What a lost connection comes from, where the OOM killer had spoken before: it takes ssh as readily as anything else. */
export const outOfMemory = (line: string, then: LabError, evidence: readonly string[]): LabError =>
  new LabError(
    {
      code: 'guest-out-of-memory',
      message: `the guest ran out of memory: ${/Killed process \d+ \(.*?\)/.exec(line)?.[0] ?? line.slice(0, 300)}; then ${then.message}`,
      hint: 'Give the machine more memory, or have less allocated and preserved in it.',
      evidence,
    },
    { cause: then },
  )

/** A kernel that stopped for good without a panic: nothing more will come, so it is not waited for. */
export const halted = (at: string, evidence: readonly string[]): LabError =>
  new LabError({
    code: 'guest-silent',
    message: `the guest halted in ${at}: it printed its registers, and nothing comes after them`,
    evidence,
  })

const died = (message: string, evidence: readonly string[]): LabError => new LabError({ code: 'guest-died', message, evidence })
