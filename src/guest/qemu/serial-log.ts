import { type WriteStream, createWriteStream } from 'node:fs'
import { LabError } from '../../shared/result.ts'

/** Opens the file that gets the console's bytes. Rejects with LabError out-unwritable; what fails later, a full disk first of all, goes to `onFailure`. */
export async function openSerialLog(path: string, onFailure: (error: LabError) => void): Promise<WriteStream> {
  const log = createWriteStream(path, { flags: 'a' })
  await new Promise<void>((resolve, reject) => {
    log.once('open', () => resolve())
    log.once('error', (error) =>
      reject(new LabError({ code: 'out-unwritable', message: `cannot write ${path}: ${error.message}` }, { cause: error })),
    )
  })
  log.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'disk-full' : 'out-unwritable'
    onFailure(new LabError({ code, message: `cannot write ${path}: ${error.message}` }, { cause: error }))
  })
  return log
}
