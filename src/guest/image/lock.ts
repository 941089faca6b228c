import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { LabError } from '../../shared/result.ts'

/**
 * The lock of a cache folder is a listening socket in Linux's abstract namespace: the kernel gives it to one process and
 * takes it back when that process ends in any way, so a killed builder cannot leave a lock behind.
 * Whoever connects is told the holder's pid, and sees the connection close when the lock is free.
 */
export interface BuildLock {
  release(): Promise<void>
}

export interface LockOptions {
  /** False: fail with LabError image-locked instead of waiting. */
  readonly wait: boolean
  /** Called when another process holds the lock, with its pid where it said so. */
  readonly onWaiting?: (pid: number | undefined) => void
  readonly signal?: AbortSignal | undefined
}

const socketName = (folder: string): string => `\0kho-lab-image-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`
const ANSWER_MS = 2000

interface Held {
  readonly server: Server
  readonly waiting: ReadonlySet<Socket>
}

async function tryListen(name: string): Promise<Held | undefined> {
  const waiting = new Set<Socket>()
  const server = createServer((socket) => {
    waiting.add(socket)
    socket.on('close', () => waiting.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.write(`${process.pid}\n`)
    socket.unref()
  })
  server.unref()
  server.listen(name)
  try {
    await once(server, 'listening')
    return { server, waiting }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}

/** Resolves when the holder's connection ends; tells its pid as soon as it is known, undefined when it does not answer. */
async function waitForHolder(
  name: string,
  onPid: (pid: number | undefined) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const socket = connect(name)
  const timer = setTimeout(() => onPid(undefined), ANSWER_MS)
  const abort = (): unknown => socket.destroy()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((resolve) => {
      // A refused connection means that the holder ended in between: the next try to listen decides.
      socket.on('error', () => resolve())
      socket.on('close', () => resolve())
      socket.on('data', (chunk: Buffer) => {
        clearTimeout(timer)
        const pid = Number.parseInt(chunk.toString('utf8'), 10)
        onPid(Number.isInteger(pid) ? pid : undefined)
      })
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
}

async function askPid(name: string): Promise<number | undefined> {
  const answered = new AbortController()
  let pid: number | undefined
  const note = (value: number | undefined): void => {
    pid = value
    answered.abort()
  }
  await waitForHolder(name, note, answered.signal)
  return pid
}

const release = ({ server, waiting }: Held): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    for (const socket of waiting) socket.destroy()
  })

/** Takes the lock of a cache folder. Throws LabError image-locked (wait: false) or cancelled. */
export async function takeBuildLock(folder: string, options: LockOptions): Promise<BuildLock> {
  const name = socketName(folder)
  let told = false
  for (;;) {
    if (options.signal?.aborted) throw new LabError({ code: 'cancelled', message: 'waiting for another build was cancelled' })
    const held = await tryListen(name)
    if (held !== undefined) return { release: () => release(held) }
    if (!options.wait) throw locked(await askPid(name))
    const tell = (pid: number | undefined): void => {
      if (!told) options.onWaiting?.(pid)
      told = true
    }
    await waitForHolder(name, tell, options.signal)
  }
}

const locked = (pid: number | undefined): LabError =>
  new LabError({
    code: 'image-locked',
    message: `another build is running${pid === undefined ? '' : ` (pid ${pid})`}`,
    hint: 'Wait for it to end, or leave out --no-wait: then the lab waits.',
  })
