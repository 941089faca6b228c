import { LabError, toLabError } from '../shared/result.ts'
import { type Boot, type BootBegin, type BootWatch, followBoot } from './follow-boot.ts'
import { HopTimes } from './hop-times.ts'
import { type NextKernel, loadScript } from './next-kernel.ts'
import { type Doom, PHASE_BOUNDS, type PhaseBounds } from './phases.ts'
import { placeFile } from './qemu/files.ts'
import type { LabPort } from './qemu/lab-port.ts'
import type { Launched, LaunchSpec } from './qemu/launch.ts'
import type { WritableMemory } from './qemu/ram.ts'
import type { QmpEvent } from './qemu/qmp.ts'
import type { ConsoleCapture } from './qemu/serial.ts'
import { type ExecOptions, type SshKeys, type SshSession, quoted } from './ssh/session.ts'
import type { GuestShell, ShellListener, ShellSize } from './ssh/shell.ts'
import { type Stopped, stopQemu } from './stop.ts'
import type { CommandResult, GuestChannel, PhaseEvent } from './types.ts'
import { type Endings, watchEndings } from './watch-endings.ts'

export type { NextKernel } from './next-kernel.ts'

export interface MachineSpec extends LaunchSpec {
  readonly keys: SshKeys
  /** Milliseconds per phase; the rest from {@link PHASE_BOUNDS}. */
  readonly bounds?: Partial<PhaseBounds>
  /** File that gets every byte of the console. */
  readonly serialLog?: string
}

export interface MachineOptions {
  /** Aborting it ends the machine, whatever it is doing. */
  readonly signal?: AbortSignal
  readonly onPhase?: (event: PhaseEvent & { readonly hop: number }) => void
  /** Console text as it comes, not cut into lines. */
  readonly onSerial?: (text: string) => void
  /** What QEMU tells without being asked. */
  readonly onQemuEvent?: (event: QmpEvent) => void
}

/** What startMachine() has made ready. */
export interface Parts {
  readonly console: ConsoleCapture
  readonly labPort: LabPort
  readonly doom: Doom
  readonly firstByte: Promise<void>
}

/** How long a lost connection may be the first sign of something worse. */
const LOSS_MS = 1500
const EVIDENCE_LINES = 40
const LOAD_TIMEOUT_MS = 120_000

/**
 * A running guest. All waiting ends at the latest when the guest does, with a LabError that says why and shows QEMU's
 * stderr and the last console lines: guest-panicked, guest-died, guest-out-of-memory, guest-silent, ssh-failed, disk-full, cancelled.
 */
export class Machine implements GuestChannel {
  readonly #launched: Launched
  readonly #options: MachineOptions
  readonly #console: ConsoleCapture
  readonly #labPort: LabPort
  readonly #doom: Doom
  readonly #watch: BootWatch
  readonly #endings: Endings
  readonly #boots: Promise<Boot>[] = []
  /** Of the current boot; rejects when that boot fails before ssh is in. */
  #session: Promise<SshSession>
  /** The latest that was there; lost when its boot is over. */
  #connected: SshSession | undefined
  #stopped: Promise<Stopped> | undefined
  #kexecUnderWay = false
  /** What loading the next kernel took, with fetching it. */
  #loadMs: number | undefined

  /** Use startMachine(). */
  constructor(launched: Launched, spec: MachineSpec, options: MachineOptions, parts: Parts) {
    this.#launched = launched
    this.#options = options
    this.#console = parts.console
    this.#labPort = parts.labPort
    this.#doom = parts.doom
    this.#watch = {
      ...parts,
      bounds: { ...PHASE_BOUNDS[spec.accelerator], ...spec.bounds },
      sshPort: launched.sshPort,
      keys: spec.keys,
      evidence: () => this.#evidence(),
      onPhase: (event) => options.onPhase?.(event),
    }
    this.#endings = watchEndings(launched, { ...this.#watch, console: parts.console, duringKexec: () => this.#kexecUnderWay })
    options.signal?.addEventListener('abort', this.#abort, { once: true })
    if (options.signal?.aborted) this.#abort()
    if (options.onQemuEvent) launched.qmp.on('event', options.onQemuEvent)
    this.#session = this.#begin(0, launched.spawnedAt, parts.firstByte)
  }

  get memory(): WritableMemory {
    return this.#launched.memory
  }
  get argv(): readonly string[] {
    return [this.#launched.binary, ...this.#launched.argv]
  }
  get qemuVersion(): string {
    return this.#launched.version.package === ''
      ? this.#launched.version.version
      : `${this.#launched.version.version} (${this.#launched.version.package})`
  }
  get qemuBinary(): string {
    return this.#launched.binary
  }
  get pid(): number {
    return this.#launched.process.pid
  }
  /** False when QEMU would outlive a lab that is killed, because setpriv is missing. */
  get guarded(): boolean {
    return this.#launched.guarded
  }
  /** A QMP monitor of its own for the user's tools, while the machine runs. */
  get monitorSocket(): string {
    return this.#launched.files.sockets.monitor
  }
  /** 0 in the first boot, h after the h-th kexec. */
  get hop(): number {
    return this.#boots.length - 1
  }
  serialTail(count = 20): string[] {
    return this.#console.tail(count)
  }

  /** Resolves when the guest can be observed: ssh is in and debugfs is there. `hop` defaults to the current one. */
  waitForBoot(hop = this.hop): Promise<Boot> {
    const boot = this.#boots[hop] ?? Promise.reject(new RangeError(`hop ${hop} has not begun`))
    return boot.catch((error: unknown) => {
      throw this.#endings.explained(error)
    })
  }

  async exec(command: string, options: ExecOptions = {}): Promise<CommandResult> {
    const session = await this.#doom.race(this.#session)
    return await this.#explained(session.exec(command, options))
  }

  /** A shell in the current boot. It uses memory of the guest, which observing then sees. */
  async shell(size: ShellSize, listener: ShellListener): Promise<GuestShell> {
    const session = await this.#doom.race(this.#session)
    return await this.#explained(session.shell(size, listener))
  }

  async pause(): Promise<void> {
    await this.qmp('stop')
  }

  async resume(): Promise<void> {
    await this.qmp('cont')
  }

  qmp(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#explained(this.#launched.qmp.execute(command, args))
  }

  /** Writes a file in the guest, making its directory. */
  async push(data: Uint8Array, path: string): Promise<void> {
    const directory = path.slice(0, path.lastIndexOf('/')) || '/'
    const result = await this.exec(`mkdir -p ${quoted(directory)} && cat > ${quoted(path)}`, {
      stdin: data,
      timeoutMs: LOAD_TIMEOUT_MS,
    })
    if (result.code !== 0)
      throw new LabError({
        code: 'guest-command-failed',
        message: `the guest could not write ${path}`,
        evidence: [result.stderr.trim()],
      })
  }

  /**
   * Loads the next kernel by kexec_file_load(2), unless told otherwise, with the kernel's own listing of the segments in its log. May run beside
   * anything else that only reads. Rejects with LabError kexec-refused when the kernel refuses.
   */
  async loadKernel(next: NextKernel): Promise<void> {
    const { files } = this.#launched
    const [kernelSize, initrdSize] = await Promise.all([
      placeFile(files.next.kernel, next.kernel),
      placeFile(files.next.initrd, next.initrd),
    ])
    const startedAt = performance.now()
    const result = await this.exec(loadScript(next, kernelSize, initrdSize), { timeoutMs: LOAD_TIMEOUT_MS })
    this.#loadMs = performance.now() - startedAt
    if (result.code !== 0) throw this.#refused('the guest did not load the next kernel', result)
  }

  /**
   * Starts the loaded kernel and returns once the request is on its way; {@link Machine.waitForBoot} then waits for the
   * next boot. Losing ssh is part of it.
   */
  async kexec(): Promise<void> {
    const before = await this.waitForBoot()
    const session = await this.#session
    const hop = this.hop + 1
    this.#labPort.nextBoot()
    this.#endings.nextBoot()
    this.#kexecUnderWay = true
    const startedAt = performance.now()
    const times = new HopTimes(startedAt, this.#loadMs)
    const hear = (line: string): void => times.hear(line, performance.now())
    this.#console.on('line', hear)
    const { promise: refused, reject } = Promise.withResolvers<never>()
    void session.exec('kexec -e', { timeoutMs: LOAD_TIMEOUT_MS }).then(
      (result) => {
        this.#kexecUnderWay = false
        this.#session = Promise.resolve(session)
        reject(this.#refused('the guest did not start the loaded kernel', result))
      },
      (loss: unknown) => toLabError(loss),
    )
    const started = this.#labPort.said('init').then(() => session.close())
    this.#session = this.#begin(hop, startedAt, Promise.race([refused, started]), { previousId: before.bootId, times })
    void Promise.allSettled([this.waitForBoot(hop)]).then(() => this.#console.off('line', hear))
  }

  /**
   * Ends the machine: powerdown, then quit, SIGTERM, SIGKILL, each only as long as it is needed. A run's normal end may
   * leave powerdown out, because nothing in the guest needs saving. RAM stays readable until {@link Machine.dispose}.
   */
  stop({ powerdown = true }: { readonly powerdown?: boolean } = {}): Promise<Stopped> {
    this.#stopped ??= (async () => {
      this.#doom.come(new LabError({ code: 'cancelled', message: 'the machine was stopped' }))
      const { process, qmp } = this.#launched
      const session = this.#connected
      const powerOff = session ? () => session.exec('poweroff -f') : () => qmp.execute('system_powerdown')
      const stopped = await stopQemu(process, qmp, powerdown ? powerOff : undefined)
      session?.close()
      return stopped
    })()
    return this.#stopped
  }

  /** Ends the machine at once if it still runs, and gives back everything it used. To be called in any case. */
  async dispose(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#abort)
    await this.stop({ powerdown: false })
    this.#launched.qmp.close()
    await this.#launched.dispose()
  }

  readonly #abort = (): void => {
    this.#doom.come(toLabError(this.#options.signal?.reason))
    void Promise.allSettled([this.stop({ powerdown: false })])
  }

  /** Begins to follow a boot, kept for waitForBoot(), and promises its ssh session. */
  #begin(
    hop: number,
    startedAt: number,
    first: Promise<unknown>,
    more: Pick<BootBegin, 'previousId' | 'times'> = {},
  ): Promise<SshSession> {
    const { promise, resolve, reject } = Promise.withResolvers<SshSession>()
    const boot = followBoot(this.#watch, {
      hop,
      startedAt,
      first,
      ...more,
      onRunning: () => (this.#kexecUnderWay = false),
      onSession: (session) => {
        this.#connected = session
        resolve(session)
      },
    })
    boot.catch(reject)
    // Until somebody asks for the session, its failure is nobody's.
    promise.catch((error: unknown) => toLabError(error))
    this.#boots.push(boot)
    return promise
  }

  /** A failed request, or what really happened when the guest's end was behind it. */
  async #explained<T>(request: Promise<T>): Promise<T> {
    try {
      return await this.#doom.race(request)
    } catch (error) {
      if (error instanceof LabError && (error.code === 'ssh-failed' || error.code === 'internal')) {
        const { promise: enough, resolve } = Promise.withResolvers<undefined>()
        const timer = setTimeout(() => resolve(undefined), LOSS_MS)
        try {
          await this.#doom.race(enough)
        } finally {
          clearTimeout(timer)
        }
      }
      throw this.#endings.explained(error)
    }
  }

  #refused(message: string, result: CommandResult): LabError {
    const said = result.stderr
      .trim()
      .split('\n')
      .filter((line) => line !== '')
    return new LabError({
      code: 'kexec-refused',
      message: `${message}: ${said.at(-1) ?? `exit code ${result.code}`}`,
      evidence: [...said, ...this.#console.tail()],
    })
  }

  #evidence(): string[] {
    // A register dump with its call trace has some 30 lines.
    return [...this.#launched.process.stderr(), ...this.#console.tail(EVIDENCE_LINES)]
  }
}
