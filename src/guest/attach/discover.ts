import { readFile, readdir, readlink, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { LabError } from '../../shared/result.ts'
import { type QemuArguments, type SocketAddress, qemuArguments } from './qemu-arguments.ts'

/** A QEMU that runs on this host, whoever started it. */
export interface FoundQemu {
  readonly pid: number
  /** argv[0] as the process has it. */
  readonly program: string
  /** Without the program. */
  readonly argv: readonly string[]
  readonly arguments: QemuArguments
  /** False for a QEMU of another architecture: there is no KHO for x86-64 in it. */
  readonly x86: boolean
  readonly uid: number
  /** Monitors that QEMU listens on, those of inherited descriptors by their path. */
  readonly monitors: readonly Exclude<SocketAddress, { readonly fd: number }>[]
}

const PROGRAM = /^(qemu-system-[a-z0-9_]+|qemu-kvm|kvm)$/

/** Every QEMU among the host's processes, by pid. Processes that end meanwhile are left out. */
export async function findQemus(): Promise<readonly FoundQemu[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(qemuOf))
  return found.filter((qemu) => qemu !== undefined).sort((a, b) => a.pid - b.pid)
}

/** One process. Rejects with LabError usage when there is none with this pid, or it is no QEMU. */
export async function qemuOfPid(pid: number): Promise<FoundQemu> {
  const found = await qemuOf(pid)
  if (found !== undefined) return found
  throw new LabError({
    code: 'usage',
    message: `process ${pid} is no QEMU, or has ended`,
    hint: 'kho-lab attach without options lists the QEMU processes of this host.',
  })
}

async function qemuOf(pid: number): Promise<FoundQemu | undefined> {
  try {
    const [program = '', ...argv] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replace(/\0$/, '').split('\0')
    if (!PROGRAM.test(basename(program))) return undefined
    const read = qemuArguments(argv)
    const [{ uid }, monitors] = await Promise.all([
      stat(`/proc/${pid}`),
      Promise.all(read.monitors.map((one) => pathOf(pid, one))),
    ])
    return {
      pid,
      program,
      argv,
      arguments: read,
      x86: /^(qemu-system-x86_64|qemu-kvm|kvm)$/.test(basename(program)),
      uid,
      monitors: monitors.filter((address) => address !== undefined),
    }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** libvirt hands QEMU a listening socket as a descriptor: /proc/net/unix tells its path by the inode. */
async function pathOf(pid: number, address: SocketAddress): Promise<FoundQemu['monitors'][number] | undefined> {
  if (!('fd' in address)) return address
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${address.fd}`))?.[1]
    const line = (await readFile('/proc/net/unix', 'utf8')).split('\n').find((text) => text.split(/\s+/)[6] === inode)
    const path = line?.split(/\s+/).slice(7).join(' ')
    return path === undefined || !path.startsWith('/') ? undefined : { path }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** Ended meanwhile, or not ours to look at. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(String(error.code))
