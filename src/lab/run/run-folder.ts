import { existsSync } from 'node:fs'
import { mkdir, readdir, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { Identity, ownIdentity } from '../../guest/qemu/identity.ts'
import { LabError } from '../../shared/result.ts'
import { MiB, formatSize } from '../../shared/units.ts'
import { writeError, writeWhole } from '../write-file.ts'
import { FolderRawStore } from './folder-raw-store.ts'

/** What says that a folder is a run's, and which process works on it. */
export const RUN_FILE = 'run.json'
/** Written when a run ended without a comparison. */
export const FAILURE_FILE = 'failure.json'
export const RunMark = z.object({
  document: z.literal('kho-lab/run'),
  version: z.literal(1),
  name: z.string(),
  startedAt: z.iso.datetime(),
  lab: Identity,
})
export type RunMark = z.infer<typeof RunMark>

/** Captures, console and report of one boot take a few MiB, more with much preserved memory. */
const ROOM = 16 * MiB
const ROOM_PER_BOOT = 4 * MiB

const ADVICE = {
  full: 'Free some space, or keep runs on another file system: --out on the command line, XDG_DATA_HOME for the window.',
  other: 'Give a folder that you may write to: --out on the command line, XDG_DATA_HOME for the window.',
}

/** The folder that a run writes to, and nothing outside of it. */
export class RunFolder {
  readonly directory: string
  readonly raw: FolderRawStore

  constructor(directory: string) {
    this.directory = directory
    this.raw = new FolderRawStore(directory)
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  writeJson(name: string, document: unknown): Promise<void> {
    return this.writeText(name, `${JSON.stringify(document, undefined, 2)}\n`)
  }

  /** Whole or not at all, so that no damaged document is ever found. Rejects with LabError out-unwritable or disk-full. */
  writeText(name: string, text: string): Promise<void> {
    return writeWhole(this.path(name), text, ADVICE)
  }

  /** Waits for the captures. Rejects with LabError out-unwritable or disk-full. */
  async flush(): Promise<void> {
    try {
      await this.raw.flush()
    } catch (error) {
      throw writeError(this.path('raw'), error, ADVICE)
    }
  }
}

export interface FolderRequest {
  readonly directory: string
  readonly name: string
  readonly startedAt: string
  readonly boots: number
}

/**
 * Makes the folder of a run and marks it. Nothing that is there is ever overwritten: it must be empty or not exist.
 * Rejects with LabError out-unwritable or disk-full before anything else has been done.
 */
export async function openRunFolder({ directory, name, startedAt, boots }: FolderRequest): Promise<RunFolder> {
  const folder = new RunFolder(directory)
  try {
    const there = await entriesOf(directory)
    if (there.length > 0) throw notEmpty(directory, there)
    await makeDirectories(folder.path('raw'))
  } catch (error) {
    throw error instanceof LabError ? error : writeError(directory, error, ADVICE)
  }
  await checkRoom(directory, ROOM + boots * ROOM_PER_BOOT)
  const mark: RunMark = { document: 'kho-lab/run', version: 1, name, startedAt, lab: await ownIdentity() }
  await folder.writeJson(RUN_FILE, mark)
  return folder
}

/** As mkdir -p, but ends where a parent can never be made: Node's own recursive mkdir tries for ever below /proc. */
async function makeDirectories(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const parent = dirname(path)
    if (codeOf(error) === 'EEXIST') return
    if (codeOf(error) !== 'ENOENT' || existsSync(parent)) throw error
    await makeDirectories(parent)
    await mkdir(path)
  }
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function checkRoom(directory: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize >= needed) return
  throw new LabError({
    code: 'disk-full',
    message: `a run needs ${formatSize(needed)} in ${directory}, ${Math.floor((bavail * bsize) / MiB)} MiB are free`,
    hint: ADVICE.full,
  })
}

const notEmpty = (directory: string, entries: readonly string[]): LabError =>
  new LabError({
    code: 'out-unwritable',
    message: `${directory} is not empty: a run overwrites nothing`,
    hint: 'Give a folder that is empty or does not exist, or remove this one.',
    evidence: entries.slice(0, 5),
  })

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
