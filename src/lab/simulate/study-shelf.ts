import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { StudyListing } from '../../shared/study-contract.ts'
import { messageOf } from '../../shared/result.ts'
import { parseStudy } from './study-file.ts'

/** Where the studies lie that come with the lab; the same from the sources and from every bundle below out/. */
const STUDIES_DIRECTORY = join(import.meta.dirname, import.meta.url.endsWith('.ts') ? '../../../studies' : '../../studies')

/** The studies of a folder by name. A file with an issue is listed with it. */
export async function listStudies(directory: string = STUDIES_DIRECTORY): Promise<readonly StudyListing[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort()
  return Promise.all(files.map((file) => listing(directory, file)))
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
