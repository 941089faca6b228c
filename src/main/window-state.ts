import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { complain } from './complain.ts'

const WindowState = z.object({
  x: z.int().optional(),
  y: z.int().optional(),
  width: z.int().min(640).max(16384),
  height: z.int().min(400).max(16384),
  maximized: z.boolean(),
})
export type WindowState = z.infer<typeof WindowState>

const FIRST: WindowState = { width: 1360, height: 860, maximized: false }

/** Where the window was last. A file that is missing or damaged means: as the first time. */
export function readWindowState(file: string): WindowState {
  try {
    const parsed = WindowState.safeParse(JSON.parse(readFileSync(file, 'utf8')))
    return parsed.success ? parsed.data : FIRST
  } catch {
    return FIRST
  }
}

/** Written beside and renamed, so that a crash leaves the old file. Losing it is no reason to fail. */
export function writeWindowState(file: string, state: WindowState): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify(state))
    renameSync(`${file}.new`, file)
  } catch (error) {
    complain('the place of the window was not saved', error)
  }
}
