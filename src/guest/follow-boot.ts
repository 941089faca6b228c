import type { HopPhase, PhaseName } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import type { HopTimes } from './hop-times.ts'
import { type Doom, type PhaseBounds, withinPhase } from './phases.ts'
import type { LabPort } from './qemu/lab-port.ts'
import { type SshKeys, SshSession } from './ssh/session.ts'
import type { PhaseEvent } from './types.ts'

export interface Boot {
  readonly hop: number
  /** /proc/sys/kernel/random/boot_id: another one in every boot. */
  readonly bootId: string
  readonly phases: readonly PhaseEvent[]
  /** Of the kexec that began it. */
  readonly hopPhases?: readonly HopPhase[]
}

/** What a machine's boots are followed by. */
export interface BootWatch {
  readonly labPort: LabPort
  readonly doom: Doom
  readonly bounds: PhaseBounds
  readonly sshPort: number
  readonly keys: SshKeys
  /** What a failure shows. */
  readonly evidence: () => readonly string[]
  readonly onPhase: (event: PhaseEvent & { readonly hop: number }) => void
}

export interface BootBegin {
  readonly hop: number
  /** On the clock of performance.now(). */
  readonly startedAt: number
  /** Hears the console of a kexec. */
  readonly times?: HopTimes
  /** Ends phase firmware on a first boot, phase kernel on a hop. */
  readonly first: Promise<unknown>
  /** The boot id before the kexec. */
  readonly previousId?: string
  /** The kernel of this boot runs: its init spoke. */
  readonly onRunning: () => void
  readonly onSession: (session: SshSession) => void
}

/** Follows one boot from its first sign to debugfs. Rejects with the LabError of the phase that failed, or kexec-refused. */
export async function followBoot(watch: BootWatch, begin: BootBegin): Promise<Boot> {
  const { labPort, bounds } = watch
  const { hop, first } = begin
  const phases: PhaseEvent[] = []
  const phase = async <T>(name: PhaseName, step: Promise<T>): Promise<T> => {
    const value = await withinPhase(name, step, bounds[name], watch.doom, watch.evidence)
    const event = { phase: name, ms: performance.now() - begin.startedAt }
    phases.push(event)
    watch.onPhase({ ...event, hop })
    return value
  }
  if (hop === 0) await phase('firmware', first)
  await phase('kernel', hop === 0 ? labPort.said('init') : first)
  begin.onRunning()
  await phase('init', labPort.said('ssh'))
  begin.onSession(await phase('ssh', SshSession.connect(watch.sshPort, watch.keys, bounds.ssh)))
  await phase('debugfs', labPort.said('debugfs'))
  const bootId = bootIdOf(await labPort.said('init'))
  const at = (name: PhaseName): number => begin.startedAt + (phases.find(({ phase: ended }) => ended === name)?.ms ?? 0)
  const hopPhases = begin.times?.phases(at('kernel'), at('debugfs'))
  if (bootId !== begin.previousId) return { hop, phases, bootId, ...(hopPhases === undefined ? {} : { hopPhases }) }
  throw new LabError({ code: 'kexec-refused', message: 'the guest is still in the boot that it was in before the kexec' })
}

/** init says its uptime and then the boot id. */
function bootIdOf(said: string): string {
  const [, bootId] = said.trim().split(' ')
  if (bootId !== undefined) return bootId
  throw new LabError({ code: 'guest-command-failed', message: "the guest's init did not say its boot id", evidence: [said] })
}
