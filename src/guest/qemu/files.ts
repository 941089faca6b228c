import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { LabError, messageOf } from '../../shared/result.ts'
import { Identity, ownIdentity } from './identity.ts'

/**
 * Everything that a running machine has outside its own memory:
 *
 * - one directory, mode 0700, below `$XDG_RUNTIME_DIR/kho-lab` or `$TMPDIR/kho-lab-UID`, with the sockets and files named here;
 * - one process, QEMU, a child of the lab's that the host's kernel kills when the lab dies (see process.ts), and for the
 *   moment of a transfer a `cat` of QEMU's;
 * - its RAM: files without a name, held open by the lab and by QEMU (see ram.ts);
 * - one TCP port on 127.0.0.1, which QEMU forwards to the guest's ssh.
 */
export interface RunFiles {
  readonly directory: string
  /** Who this run is, for {@link reapLeftovers}: {@link Sidecar} as JSON. */
  readonly sidecar: string
  /** Unix sockets. The lab listens on the first three until QEMU has connected; QEMU listens on `monitor`, which is free for the user's tools. */
  readonly sockets: { readonly console: string; readonly lab: string; readonly qmp: string; readonly monitor: string }
  /** The initrd that QEMU loads; holds the run's host key. */
  readonly initrd: string
  /** What the guest fetches for its next boot: a file, or a link to one. */
  readonly next: { readonly kernel: string; readonly initrd: string }
}

export const Sidecar = z.object({ lab: Identity, qemu: Identity.optional() })
export type Sidecar = z.infer<typeof Sidecar>

export interface BaseDirectoryOptions {
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** sun_path has 108 bytes with the final zero (unix(7)). */
const SOCKET_PATH_LIMIT = 107
const LONGEST_SOCKET = 'console.sock'
const RUN_NAME = /^run-[0-9a-f]{12}$/

const runFilesIn = (directory: string): RunFiles => ({
  directory,
  sidecar: join(directory, 'run.json'),
  sockets: {
    console: join(directory, LONGEST_SOCKET),
    lab: join(directory, 'lab.sock'),
    qmp: join(directory, 'qmp.sock'),
    monitor: join(directory, 'monitor.sock'),
  },
  initrd: join(directory, 'initrd'),
  next: { kernel: join(directory, 'next-kernel'), initrd: join(directory, 'next-initrd') },
})

/** Where the directories of runs lie. Created with mode 0700 if missing; refused when it belongs to somebody else. */
export async function baseDirectory({ env = process.env }: BaseDirectoryOptions = {}): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const runtime = env['XDG_RUNTIME_DIR']
  const base =
    runtime && (await isOwn(runtime, uid)) ? join(runtime, 'kho-lab') : join(env['TMPDIR'] ?? tmpdir(), `kho-lab-${uid}`)
  await mkdir(base, { mode: 0o700, recursive: true }).catch((cause: unknown) => {
    throw cannotMake(base, cause)
  })
  const state = await lstat(base)
  if (!state.isDirectory() || state.uid !== uid || (state.mode & 0o077) !== 0) {
    throw new LabError({
      code: 'refused',
      message: `${base} is not a directory that only you can use`,
      hint: `Remove ${base}, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700.`,
    })
  }
  return base
}

const cannotMake = (directory: string, cause: unknown): LabError =>
  new LabError(
    {
      code: messageOf(cause).startsWith('ENOSPC') ? 'disk-full' : 'out-unwritable',
      message: `no folder for the sockets and files of a run can be made: ${messageOf(cause)}`,
      hint: `Set XDG_RUNTIME_DIR, or TMPDIR, to a folder that you can write; now it would be ${directory}.`,
    },
    { cause },
  )

/** $XDG_RUNTIME_DIR survives a change of user (su, sudo), and is then somebody else's. */
const isOwn = (directory: string, uid: number): Promise<boolean> =>
  stat(directory).then(
    (state) => state.isDirectory() && state.uid === uid,
    () => false,
  )

/** A new run directory with its sidecar. Rejects with LabError usage when its sockets' paths would be too long. */
export async function createRunFiles(options: BaseDirectoryOptions = {}): Promise<RunFiles> {
  const base = await baseDirectory(options)
  const files = runFilesIn(join(base, `run-${randomBytes(6).toString('hex')}`))
  const length = Buffer.byteLength(files.sockets.console)
  if (length > SOCKET_PATH_LIMIT) {
    throw new LabError({
      code: 'usage',
      message: `the path of a socket would have ${length} bytes, the system allows ${SOCKET_PATH_LIMIT}: ${files.sockets.console}`,
      hint: 'Set XDG_RUNTIME_DIR (or TMPDIR) to a directory with a shorter path.',
    })
  }
  await mkdir(files.directory, { mode: 0o700 }).catch((cause: unknown) => {
    throw cannotMake(files.directory, cause)
  })
  await writeSidecar(files)
  return files
}

/** Says who runs here: the lab, and QEMU once there is one. Written aside and renamed, so that it is never half there. */
export async function writeSidecar(files: RunFiles, qemu?: Identity): Promise<void> {
  const sidecar: Sidecar = { lab: await ownIdentity(), qemu }
  const draft = `${files.sidecar}.new`
  await writeFile(draft, JSON.stringify(sidecar), { mode: 0o600 })
  await rename(draft, files.sidecar)
}

/** Puts a file of the run in place: the bytes, or a link to the file that has them. Returns its size. */
export async function placeFile(target: string, source: string | Uint8Array): Promise<number> {
  await rm(target, { force: true })
  if (typeof source === 'string') await symlink(resolve(source), target)
  else await writeFile(target, source, { mode: 0o600 })
  return (await stat(target)).size
}

export const removeRunFiles = (files: RunFiles): Promise<void> => rm(files.directory, { recursive: true, force: true })

/** The run directories that are there now, whoever owns them. */
export async function listRunFiles(options: BaseDirectoryOptions = {}): Promise<RunFiles[]> {
  const base = await baseDirectory(options)
  const names = await readdir(base)
  return names.filter((name) => RUN_NAME.test(name)).map((name) => runFilesIn(join(base, name)))
}
