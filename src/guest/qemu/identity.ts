import { readFile, readlink } from 'node:fs/promises'
import { z } from 'zod'

/**
 * A process for good: a pid alone may be a stranger's by now. The start time is field 22 of /proc/PID/stat (clock ticks
 * since the host's boot), the boot id tells one boot of the host from another.
 */
export const Identity = z.object({
  pid: z.int().min(2),
  startTime: z.string().regex(/^\d+$/),
  exe: z.string(),
  bootId: z.string(),
})
export type Identity = z.infer<typeof Identity>

export const hostBootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

/** Start time of a process, or undefined when there is none with this pid. The name in stat may hold blanks and parentheses. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Field 3, the state, comes first here. A zombie is a process that has ended.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** Who a process is that runs `exe` or is about to; undefined when it has ended. */
export async function identityOf(pid: number, exe: string): Promise<Identity | undefined> {
  const [time, bootId] = await Promise.all([startTime(pid), hostBootId()])
  return time === undefined ? undefined : { pid, startTime: time, exe, bootId }
}

/** Who this process is. */
export async function ownIdentity(): Promise<Identity> {
  const identity = await identityOf(process.pid, await readlink('/proc/self/exe'))
  if (!identity) throw new Error('this process has no /proc entry')
  return identity
}

/** True when the very process is still running: pid, start time, boot of the host and executable all agree. */
export async function isAlive(identity: Identity): Promise<boolean> {
  const [time, bootId] = await Promise.all([startTime(identity.pid), hostBootId()])
  if (time !== identity.startTime || bootId !== identity.bootId) return false
  try {
    return (await readlink(`/proc/${identity.pid}/exe`)).replace(/ \(deleted\)$/, '') === identity.exe
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
