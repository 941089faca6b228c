import { readFile } from 'node:fs/promises'
import { LabError, messageOf, type LabErrorCode } from '../shared/result.ts'

/** Reads a file that somebody named. Rejects with `code` and words for people, never with a bare system error. */
export async function readNamedFile(path: string, code: LabErrorCode): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path)
  } catch (error) {
    throw cannotRead(path, error, code)
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
  ENOSPC: 'no space is left on the device',
  EFBIG: 'it would be larger than the file size limit',
}

/** A system error in words; its message where there are no better ones. */
export function systemWords(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? messageOf(error)
}
