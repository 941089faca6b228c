import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../../shared/result.ts'
import { type BaseDirectoryOptions, type RunFiles, Sidecar, listRunFiles, removeRunFiles } from './files.ts'
import { isAlive } from './identity.ts'

export interface Reaped {
  readonly directory: string
  /** What was done, in words. */
  readonly text: string
}

/** A run directory is made and gets its sidecar within milliseconds; one that has none for so long has lost its lab. */
const UNCLAIMED_MS = 60_000

/**
 * Removes what labs left that are no more: kills a QEMU only if it is, by pid, start time, host boot and executable, the
 * one that the sidecar names; then removes the run's directory. What a live lab owns is left alone.
 */
export async function reapLeftovers(options: BaseDirectoryOptions = {}): Promise<Reaped[]> {
  const runs = await listRunFiles(options)
  const reaped = await Promise.all(runs.map(reapOne))
  return reaped.filter((entry) => entry !== undefined)
}

async function reapOne(files: RunFiles): Promise<Reaped | undefined> {
  const sidecar = await readSidecar(files)
  if (sidecar === undefined && !(await isUnclaimed(files))) return undefined
  if (sidecar && (await isAlive(sidecar.lab))) return undefined
  let text = 'removed the directory of a run whose lab is gone'
  if (sidecar?.qemu && (await isAlive(sidecar.qemu))) {
    process.kill(sidecar.qemu.pid, 'SIGKILL')
    text = `killed QEMU (process ${sidecar.qemu.pid}) and removed the directory of a run whose lab is gone`
  }
  await removeRunFiles(files)
  return { directory: files.directory, text }
}

async function readSidecar(files: RunFiles): Promise<Sidecar | undefined> {
  try {
    const parsed = Sidecar.safeParse(JSON.parse(await readFile(files.sidecar, 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || messageOf(error).startsWith('ENOENT')) return undefined
    throw error
  }
}

async function isUnclaimed(files: RunFiles): Promise<boolean> {
  try {
    return Date.now() - (await stat(files.directory)).mtimeMs > UNCLAIMED_MS
  } catch (error) {
    if (messageOf(error).startsWith('ENOENT')) return false
    throw error
  }
}
