import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { LabError, messageOf } from '../../shared/result.ts'
import type { PartJob } from './parts.ts'

/** The log of a failed build outlives its folder. It is moved: the disk may be full. */
export async function withKeptLog(error: unknown, job: PartJob): Promise<unknown> {
  if (!(error instanceof LabError) || error.code !== 'image-build-failed' || !existsSync(job.log)) return error
  const kept = path.join(job.root, 'logs', `${path.basename(job.work)}.log`)
  try {
    await mkdir(path.dirname(kept), { recursive: true })
    await rename(job.log, kept)
  } catch {
    // Why the build failed is worth more than its log.
    return error
  }
  const hint = error.hint?.includes(job.log)
    ? `The whole log is in ${kept}`
    : `${error.hint ?? ''} The whole log is in ${kept}`.trim()
  return new LabError({ code: error.code, message: error.message, hint, evidence: error.evidence }, { cause: error })
}

/** A full or unwritable disk shows as a Node error here, or in the words of a tool that was run. */
export function diskError(error: unknown, root: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const toolSaysFull = error instanceof LabError && error.evidence.some((line) => line.includes('No space left on device'))
  if (code === 'ENOSPC' || toolSaysFull) {
    const [evidence, log] = error instanceof LabError ? [error.evidence, error.hint] : [[messageOf(error)], undefined]
    return new LabError(
      {
        code: 'disk-full',
        message: `the disk of ${root} became full`,
        hint: ['Free some space, or set XDG_CACHE_HOME to a larger disk.', ...(log === undefined ? [] : [log])].join(' '),
        evidence,
      },
      { cause: error },
    )
  }
  if (code === 'EACCES' || code === 'EROFS') {
    return new LabError(
      {
        code: 'out-unwritable',
        message: `the image cache ${root} cannot be written: ${messageOf(error)}`,
        hint: 'Set XDG_CACHE_HOME to a folder that you can write.',
      },
      { cause: error },
    )
  }
  return error
}
