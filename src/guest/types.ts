import type { ImageManifest, PhaseName } from '../shared/documents/index.ts'
import type { PhysMemory } from '../shared/phys-memory.ts'

/** A built image in the cache. All paths are absolute. */
export interface GuestImage {
  readonly manifest: ImageManifest
  readonly directory: string
  /** bzImage */
  readonly kernel: string
  /** initramfs without any key: gzipped cpio */
  readonly initramfs: string
  /** A second initramfs, gzipped cpio, with the kernel's own selftests; absent unless the release's row asks for them. */
  readonly selftests?: string
  /** A further initramfs, gzipped cpio, with khoprobe; absent where it does not compile, and for a bzImage of the user's own. */
  readonly modules?: string
  /** .config; absent for a bzImage that the lab did not build */
  readonly config?: string
  /** System.map; absent for a bzImage that the lab did not build */
  readonly systemMap?: string
}

export interface Progress {
  /** What is being done, in words: "unpacking linux 7.3.4". */
  readonly phase: string
  /** 0 to 100 over the whole job. */
  readonly percent: number
  /** Seconds left, once there is an estimate. */
  readonly secondsLeft?: number
}

export interface CommandResult {
  readonly code: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** The ways a guest is reached while it runs. What observing needs and no more. */
export interface GuestChannel {
  /** Runs a command line in the guest's shell. Rejects with LabError ssh-failed when the connection is lost. */
  exec(
    command: string,
    options?: { readonly stdin?: Uint8Array; readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<CommandResult>
  /** Guest RAM, read from the host while the guest runs or after it stopped. */
  readonly memory: PhysMemory
  /** Stops and resumes the vCPUs (QMP stop, cont). */
  pause(): Promise<void>
  resume(): Promise<void>
  /** One QMP command. */
  qmp(command: string, args?: Record<string, unknown>): Promise<unknown>
}

export interface PhaseEvent {
  readonly phase: PhaseName
  /** Milliseconds since spawn (hop 0) or since kexec -e. */
  readonly ms: number
}
