import { open, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { MiB } from '../../shared/units.ts'
import { LabError, messageOf } from '../../shared/result.ts'

const LIMIT = 4 * MiB

/** What the console says: the end of a log file, or what comes out of a socket while the lab looks. */
export interface AttachedSerial {
  text(): Promise<Buffer>
  close(): void
}

/** `path`: a log that QEMU writes, or a socket that it listens on. Rejects with LabError usage when there is neither. */
export async function openSerial(path: string): Promise<AttachedSerial> {
  const state = await stat(path).catch((error: unknown) => {
    throw notReadable(path, error)
  })
  return state.isSocket() ? await listening(path) : { text: () => tailOf(path), close: () => undefined }
}

async function listening(path: string): Promise<AttachedSerial> {
  let kept: Buffer = Buffer.alloc(0)
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error) => reject(notReadable(path, error)))
  })
  // From here on a broken connection is the end of what is said.
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => (kept = Buffer.concat([kept, chunk]).subarray(-LIMIT)))
  return { text: () => Promise.resolve(kept), close: () => socket.destroy() }
}

async function tailOf(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path)
    const { size } = await handle.stat()
    const length = Math.min(size, LIMIT)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    throw notReadable(path, error)
  }
}

const notReadable = (path: string, error: unknown): LabError =>
  new LabError(
    {
      code: 'usage',
      message: `cannot read the console ${path}: ${messageOf(error)}`,
      hint: 'Give the log file or the socket of a -serial or -chardev.',
    },
    { cause: error },
  )
