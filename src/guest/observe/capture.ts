import { notSeen, seen, type Reading } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import type { GuestChannel } from '../types.ts'
import { errnoName, parseFrames, type CaptureFrame } from './frames.ts'

/** What is read of a guest, in one command. Directories are read with all that is below them. */
export const CAPTURE_PATHS = [
  '/sys/kernel/debug/kho',
  '/sys/firmware/memmap',
  '/sys/kernel/boot_params',
  '/proc/iomem',
  '/proc/cmdline',
  '/proc/sys/kernel/osrelease',
  '/proc/sys/kernel/random/boot_id',
  '/proc/zoneinfo',
  '/proc/buddyinfo',
  '/proc/pagetypeinfo',
  '/proc/meminfo',
  '/sys/kernel/mm/hugepages',
  '/sys/devices/system/node',
] as const

/** The kernel log goes through a file of the guest's own RAM disk, so that it comes framed like everything else. */
export const DMESG_FILE = '/run/kho-lab.dmesg'

const LOG_COMMAND = `dmesg >${DMESG_FILE}; kho-capture ${DMESG_FILE}`
const CAPTURE_COMMAND = `${LOG_COMMAND} ${CAPTURE_PATHS.join(' ')}`

/** Everything captured of one boot, by path. */
export class Capture {
  readonly #frames: ReadonlyMap<string, CaptureFrame>
  readonly #failure: string | undefined

  constructor(frames: readonly CaptureFrame[], failure?: string) {
    this.#frames = new Map(frames.map((frame) => [frame.path, frame]))
    this.#failure = failure
  }

  /** Every file that could be read. */
  files(): readonly { readonly path: string; readonly bytes: Uint8Array }[] {
    return [...this.#frames.values()].flatMap((frame) => (frame.kind === 'file' && frame.errno === 0 ? [frame] : []))
  }

  /** Bytes of a file, or why there are none: the errno's name and the path. */
  file(path: string): Reading<Uint8Array> {
    const frame = this.#frames.get(path)
    if (frame === undefined) return notSeen(this.#failure ?? this.#missingReason(path))
    if (frame.errno !== 0) return notSeen(`${errnoName(frame.errno)}: ${path}`)
    if (frame.kind === 'directory') return notSeen(`EISDIR: ${path}`)
    return seen(frame.bytes)
  }

  text(path: string): Reading<string> {
    const bytes = this.file(path)
    return bytes.ok ? seen(new TextDecoder().decode(bytes.value)) : bytes
  }

  /** Whether there is a directory at `path`; false only when the guest said ENOENT. */
  hasDirectory(path: string): Reading<boolean> {
    const frame = this.#frames.get(path)
    if (frame === undefined) return notSeen(this.#failure ?? this.#missingReason(path))
    if (frame.kind === 'directory' && frame.errno === 0) return seen(true)
    return errnoName(frame.errno) === 'ENOENT'
      ? seen(false)
      : notSeen(`${frame.errno === 0 ? 'ENOTDIR' : errnoName(frame.errno)}: ${path}`)
  }

  /** Names directly below a directory, in the guest's order; a failed or missing directory says why. */
  list(path: string): Reading<readonly string[]> {
    const exists = this.hasDirectory(path)
    if (!exists.ok) return exists
    if (!exists.value) return notSeen(`ENOENT: ${path}`)
    const prefix = `${path}/`
    return seen(
      [...this.#frames.keys()].flatMap((name) => {
        const rest = name.startsWith(prefix) ? name.slice(prefix.length) : ''
        return rest === '' || rest.includes('/') ? [] : [rest]
      }),
    )
  }

  /** A path that was not asked for by name: the nearest directory that was listed tells why it is not there. */
  #missingReason(path: string): string {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      const parent = this.#frames.get(path.slice(0, cut))
      if (parent === undefined) continue
      if (parent.errno !== 0) return `${errnoName(parent.errno)}: ${parent.path}`
      return `ENOENT: ${path}`
    }
    return `the guest's capture has no ${path}`
  }
}

/**
 * Reads everything the guest shows in one command. A capture that cannot be understood is no error of the run: all of its
 * readings then say why. Rejects with LabError ssh-failed when the connection is lost.
 */
export const captureGuest = (channel: GuestChannel, options: CaptureOptions = {}): Promise<Capture> =>
  capture(channel, CAPTURE_COMMAND, options)

/** Reads the kernel log alone, in the same way. */
export const captureLog = (channel: GuestChannel, options: CaptureOptions = {}): Promise<Capture> =>
  capture(channel, LOG_COMMAND, options)

interface CaptureOptions {
  readonly signal?: AbortSignal | undefined
}

async function capture(channel: GuestChannel, command: string, { signal }: CaptureOptions): Promise<Capture> {
  const result = await channel.exec(command, { timeoutMs: 60_000, signal })
  if (result.code === 127) {
    throw new LabError({
      code: 'guest-command-failed',
      message: 'the guest has no kho-capture',
      hint: 'Boot an image that the lab built.',
      evidence: result.stderr.split('\n').slice(-5),
    })
  }
  const frames = parseFrames(result.stdout)
  if (!frames.ok) return new Capture([], frames.error)
  const tail = result.code === 0 ? undefined : `kho-capture ended with ${result.code}: ${result.stderr.trim().slice(-200)}`
  return new Capture(frames.value, tail)
}
