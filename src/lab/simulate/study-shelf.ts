import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { RunId } from '../../shared/contract.ts'
import type { StudyListing } from '../../shared/study-contract.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { parseStudy } from './study-file.ts'

/** Where the studies lie that come with the lab; the same from the sources and from every bundle below out/. */
const STUDIES_DIRECTORY = join(import.meta.dirname, import.meta.url.endsWith('.ts') ? '../../../studies' : '../../studies')

/** The studies of a folder by name. A file with an issue is listed with it. */
export async function listStudies(directory: string = STUDIES_DIRECTORY): Promise<readonly StudyListing[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort()
  return Promise.all(files.map((file) => listing(directory, file)))
}

/**
 * Where the guest lies that a page's study begins with: one that a study of the shelf names, or a run of this lab by its id, which
 * `runFolder` finds. A page names no other folder. Rejects with LabError bad-study, or as `runFolder` does.
 */
export async function startFolder(run: string, runFolder: (id: string) => Promise<string>): Promise<string> {
  if (RunId.safeParse(run).success) return runFolder(run)
  const listed = await listStudies()
  if (listed.some(({ study }) => study?.start?.run === run)) return resolve(STUDIES_DIRECTORY, run)
  throw new LabError({
    code: 'bad-study',
    message: `start.run: ${run} is neither a run of this lab nor a guest that comes with it`,
    hint: 'Choose a run, or start the study in a terminal with kho-lab simulate FILE, where any folder will do.',
  })
}

async function listing(directory: string, file: string): Promise<StudyListing> {
  const id = basename(file, '.yaml')
  try {
    const study = parseStudy(await readFile(join(directory, file), 'utf8'), file)
    return { id, name: study.name, study }
  } catch (error) {
    return { id, name: id, problem: messageOf(error) }
  }
}
