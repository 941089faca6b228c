import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { isAlive } from '../../guest/qemu/identity.ts'
import { RunId, type RunListing } from '../../shared/contract.ts'
import { Summary } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { readDocumentIfThere } from '../read-document.ts'
import { cannotRead } from '../read-file.ts'
import { FAILURE_FILE, RUN_FILE, RunMark } from './run-folder.ts'

/** Where runs lie that nobody gave another place: $XDG_DATA_HOME/kho-lab/runs. */
export function runsDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const home = env['XDG_DATA_HOME']
  return join(home !== undefined && isAbsolute(home) ? home : join(homedir(), '.local', 'share'), 'kho-lab', 'runs')
}

/** `YYYYMMDD-HHMMSS-slug` in UTC, and not among `taken`: a second run within one second gets `-2`. */
export function newRunId(now: Date, name: string, taken: ReadonlySet<string> = new Set()): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const slug =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 40)
      .replace(/-$/, '') || 'run'
  const wanted = `${time}-${slug}`
  let id = wanted
  for (let number = 2; taken.has(id); number++) id = `${wanted}-${number}`
  return id
}

/** Makes an id for a new run below `root` and the path of its folder, which is not made yet. */
export async function newRunFolder(
  root: string,
  now: Date,
  name: string,
): Promise<{ readonly id: string; readonly directory: string }> {
  const id = newRunId(now, name, new Set(await idsBelow(root)))
  return { id, directory: join(root, id) }
}

/** The folder of a run. Rejects with LabError run-not-found; an id can never name a path. */
export async function findRun(root: string, id: string): Promise<string> {
  if (RunId.safeParse(id).success && (await idsBelow(root)).includes(id)) return join(root, id)
  throw new LabError({ code: 'run-not-found', message: `there is no run ${id.slice(0, 100)} in ${root}` })
}

/** Every run below `root`, newest first. A run that is damaged is listed as broken, never left out. */
export async function listRuns(root: string = runsDirectory()): Promise<RunListing[]> {
  const listings = await Promise.all((await idsBelow(root)).map((id) => listRun(root, id)))
  return listings.sort((a, b) => (a.id < b.id ? 1 : -1))
}

/** A folder may be somebody else's, and its name as long as they like. */
const NAME_LIMIT = 200

async function listRun(root: string, id: string): Promise<RunListing> {
  const directory = join(root, id)
  try {
    const mark = await readRunDocument(directory, RUN_FILE, RunMark)
    if (mark === undefined) return broken(id)
    const known = { id, name: mark.name.slice(0, NAME_LIMIT), startedAt: mark.startedAt }
    const finished = await readRunDocument(directory, 'comparison.json', z.object({ summary: Summary }))
    if (finished !== undefined) return { ...known, state: 'done', summary: finished.summary }
    if ((await readRunDocument(directory, FAILURE_FILE, z.object({ code: z.string() }))) !== undefined)
      return { ...known, state: 'failed' }
    // No end on disk: whether it is still on its way only the process can tell.
    return { ...known, state: (await isAlive(mark.lab)) ? 'running' : 'broken' }
  } catch (error) {
    if (error instanceof LabError) return broken(id)
    throw error
  }
}

/** The time in the id stands in for what the folder no longer tells. */
function broken(id: string): RunListing {
  const [, year, month, day, hour, minute, second, slug] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-(.*)$/.exec(id) ?? []
  return { id, name: slug ?? id, state: 'broken', startedAt: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z` }
}

/** A document of a run; undefined when it is not there. Rejects with LabError bad-document, which names the file. */
export async function readRunDocument<T extends z.ZodType>(
  directory: string,
  name: string,
  schema: T,
): Promise<z.output<T> | undefined> {
  const file = join(directory, name)
  try {
    return await readDocumentIfThere(file, schema)
  } catch (error) {
    throw error instanceof LabError ? error : cannotRead(file, error, 'bad-document')
  }
}

async function idsBelow(root: string): Promise<string[]> {
  try {
    return (await readdir(root, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && RunId.safeParse(entry.name).success)
      .map(({ name }) => name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
