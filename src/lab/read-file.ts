import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { LabError, messageOf, type LabErrorCode } from '../shared/result.ts'
import { MiB, formatSize } from '../shared/units.ts'

/** More than any experiment, tree or kernel has; a device that never ends is found out before memory is full. */
const LIMIT = 512 * MiB

/** Reads a file or pipe that somebody named. Rejects with `code` and words for people, never with a bare system error. */
export async function readNamedFile(path: string, code: LabErrorCode): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LIMIT) throw new Error(`it has more than ${formatSize(LIMIT)}`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw cannotRead(path, error, code)
  }
  return Buffer.concat(chunks)
}

/** The last `limit` bytes as text; empty where there is no file. A character cut in two at the start is shown as the replacement character. */
export async function readTail(file: string, limit: number): Promise<string> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    const length = Math.min(size, limit)
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

export const cannotRead = (path: string, error: unknown, code: LabErrorCode): LabError =>
  new LabError(
    { code, message: `cannot read ${path}: ${systemWords(error)}`, hint: 'Check the path and its permissions.' },
    { cause: error },
  )

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is not a directory',
  EROFS: 'the file system is read-only',
  EDQUOT: 'the quota is used up',
  ENOSPC: 'no space is left on the device',
  EFBIG: 'it would be larger than the file size limit',
}

/** A system error in words; its message where there are no better ones. */
export function systemWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? messageOf(error)
}
