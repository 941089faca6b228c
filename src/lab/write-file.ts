import { lstat, rename, rm, writeFile } from 'node:fs/promises'
import { LabError, messageOf } from '../shared/result.ts'
import { systemWords } from './read-file.ts'

/** What to do about a file that cannot be written, for each of the two reasons that a person can do something about. */
interface Advice {
  readonly full: string
  readonly other: string
}

/**
 * Writes a file beside its place and moves it there: a disk that is full leaves what was there before, and never half of a
 * file. Rejects with LabError out-unwritable or disk-full.
 */
export async function writeWhole(file: string, content: string | Uint8Array, advice: Advice): Promise<void> {
  const draft = `${file}.${process.pid}.new`
  try {
    if (await isPlace(file)) {
      await writeFile(draft, content)
      await rename(draft, file)
    } else await writeFile(file, content)
  } catch (error) {
    // That the file could not be written is worth more than that its draft could not be removed.
    await Promise.allSettled([rm(draft, { force: true })])
    throw writeError(file, error, advice)
  }
}

/** Why a file could not be written: disk-full or out-unwritable. */
export function writeError(path: string, error: unknown, advice: Advice): LabError {
  const full = error instanceof Error && 'code' in error && FULL.has(String(error.code))
  return new LabError(
    {
      code: full ? 'disk-full' : 'out-unwritable',
      message: `cannot write ${path}: ${systemWords(error)}`,
      hint: full ? advice.full : advice.other,
      evidence: [messageOf(error)],
    },
    { cause: error },
  )
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Nothing there yet, or a plain file; a pipe or /dev/stdout is written to as it is. */
async function isPlace(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isFile()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true
    throw error
  }
}
