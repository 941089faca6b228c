import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { Settings } from '../shared/settings-contract.ts'
import { writeError, writeWhole } from './write-file.ts'

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

/** Whole or not at all, so that what was chosen before is not lost. Rejects with LabError out-unwritable or disk-full. */
export async function writeSettings(settings: Settings, file: string = settingsFile()): Promise<Settings> {
  try {
    await mkdir(dirname(file), { recursive: true })
  } catch (error) {
    throw writeError(file, error, ADVICE)
  }
  await writeWhole(file, `${JSON.stringify(settings)}\n`, ADVICE)
  return settings
}

const ADVICE = {
  full: 'Free some space. What was chosen before still holds.',
  other: 'Make the file one that you may write to. What was chosen before still holds.',
}
