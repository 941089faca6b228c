import { BrowserWindow } from 'electron'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PrintHtml } from '../lab/pdf.ts'
import { LabError, messageOf } from '../shared/result.ts'
import type { Permit } from './security.ts'

const TIMEOUT_MS = 60_000

/** Prints a report in a window that nobody sees and that can run nothing. Rejects with LabError internal. */
export const printerOf =
  (permit: Permit): PrintHtml =>
  async (html) => {
    const directory = await mkdtemp(join(tmpdir(), 'kho-lab-pdf-'))
    const page = join(directory, 'report.html')
    const forbid = permit(pathToFileURL(page).href)
    try {
      await writeFile(page, html)
      return await printed(pathToFileURL(page).href)
    } catch (error) {
      throw new LabError({ code: 'internal', message: `the report could not be printed: ${messageOf(error)}` }, { cause: error })
    } finally {
      forbid()
      await rm(directory, { recursive: true, force: true })
    }
  }

async function printed(url: string): Promise<Uint8Array> {
  const window = new BrowserWindow({
    show: false,
    webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, javascript: false, webviewTag: false },
  })
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`it took longer than ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS)
  try {
    const pdf = window.loadURL(url).then(() => window.webContents.printToPDF({ printBackground: true, preferCSSPageSize: true }))
    return await Promise.race([pdf, tooLate])
  } finally {
    clearTimeout(timer)
    window.destroy()
  }
}
