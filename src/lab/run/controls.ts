import { readFile } from 'node:fs/promises'
import type { Machine } from '../../guest/machine.ts'
import type { GuestShell, ShellListener, ShellSize } from '../../guest/ssh/shell.ts'
import type { RunEvent, Vitals } from '../../shared/contract.ts'
import { LabError } from '../../shared/result.ts'
import { PAGE_SIZE } from '../../shared/units.ts'

/** What a person can do with a run that is on its way. */
export interface RunControls {
  /** Lets a run that is held go on to its next boot, or to its end. False when it is not held. */
  proceed(): boolean
  pause(paused: boolean): Promise<void>
  vitals(): Promise<Vitals>
  shell(size: ShellSize, listener: ShellListener): Promise<GuestShell>
}

/** _SC_CLK_TCK of every Linux that QEMU runs on. */
const TICKS_PER_SECOND = 100

/** The controls of one run, and the points at which the run asks them. */
export class RunHandle implements RunControls {
  readonly #holds: boolean
  readonly #signal: AbortSignal
  readonly #tell: (event: RunEvent) => void
  #machine: Machine | undefined
  #paused = false
  #release: (() => void) | undefined

  constructor(holds: boolean, signal: AbortSignal, tell: (event: RunEvent) => void) {
    this.#holds = holds
    this.#signal = signal
    this.#tell = tell
  }

  readonly onMachine = (machine: Machine): void => {
    this.#machine = machine
  }

  /** Waits, when the run was asked to be held, until {@link proceed}; rejects when the run is cancelled. */
  readonly hold = async (hop: number, last: boolean): Promise<void> => {
    if (!this.#holds) return
    this.#signal.throwIfAborted()
    this.#tell({ type: 'held', hop, next: last ? 'end' : 'hop' })
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const abort = (): void => reject(this.#signal.reason)
    this.#signal.addEventListener('abort', abort, { once: true })
    this.#release = () => resolve(undefined)
    try {
      await promise
    } finally {
      this.#release = undefined
      this.#signal.removeEventListener('abort', abort)
    }
    if (this.#paused) await this.pause(false)
    this.#tell({ type: 'step', hop, text: last ? 'released to its end' : 'released to the next hop' })
  }

  proceed(): boolean {
    const release = this.#release
    release?.()
    return release !== undefined
  }

  /** Only while the run is held: every other phase has a time limit, which a guest that stands still would miss. */
  async pause(paused: boolean): Promise<void> {
    if (this.#release === undefined && paused)
      throw new LabError({
        code: 'refused',
        message: 'a guest can be paused while its run is held between boots',
        hint: 'Start the run with "hold before each hop".',
      })
    const machine = this.#running()
    await (paused ? machine.pause() : machine.resume())
    this.#paused = paused
  }

  /** From outside: asking the guest would change the memory that the run observes. */
  async vitals(): Promise<Vitals> {
    const machine = this.#running()
    const [status, stat, statm] = await Promise.all([
      machine.qmp('query-status'),
      readFile(`/proc/${machine.pid}/stat`, 'utf8'),
      readFile(`/proc/${machine.pid}/statm`, 'utf8'),
    ])
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      status: isStatus(status) ? status.status : 'unknown',
      hop: machine.hop,
      pid: machine.pid,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      residentBytes: Number(statm.split(' ')[1]) * PAGE_SIZE,
      held: this.#release !== undefined,
      paused: this.#paused,
    }
  }

  shell(size: ShellSize, listener: ShellListener): Promise<GuestShell> {
    return this.#running().shell(size, listener)
  }

  #running(): Machine {
    if (this.#machine !== undefined) return this.#machine
    throw new LabError({ code: 'refused', message: 'the guest of this run does not run yet', hint: 'Wait for its first boot.' })
  }
}

const isStatus = (value: unknown): value is { readonly status: string } =>
  typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'string'
