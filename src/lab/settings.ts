import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { LabError, messageOf } from '../shared/result.ts'
import { Settings } from '../shared/settings-contract.ts'

const FIRST: Settings = { notify: false }

/** $XDG_CONFIG_HOME/kho-lab/settings.json: the window and the browser share it. */
export function settingsFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const home = env['XDG_CONFIG_HOME']
  return join(home !== undefined && isAbsolute(home) ? home : join(homedir(), '.config'), 'kho-lab', 'settings.json')
}

/** A file that is missing or damaged means: as the first time. */
export async function readSettings(file: string = settingsFile()): Promise<Settings> {
  try {
    const parsed = Settings.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data : FIRST
  } catch {
    return FIRST
  }
}

/** Written beside and renamed, so that what was chosen before is not lost. Rejects with LabError out-unwritable. */
export async function writeSettings(settings: Settings, file: string = settingsFile()): Promise<Settings> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, `${JSON.stringify(settings)}\n`)
    await rename(`${file}.new`, file)
    return settings
  } catch (error) {
    throw new LabError({ code: 'out-unwritable', message: `${file} could not be written: ${messageOf(error)}` }, { cause: error })
  }
}
