import { BrowserWindow, dialog, type DownloadItem, type WebContents } from 'electron'
import { mkdtempSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeWhole } from '../lab/write-file.ts'
import { LabError, toLabError } from '../shared/result.ts'
import { complain } from './complain.ts'

/**
 * Keeps a file that the page made where the user wants it. Electron's own way writes over the file that is chosen as it goes, so
 * that a full disk leaves half of a file where a good one was, and tells nobody.
 */
export function saveWhole(item: DownloadItem, page: WebContents): void {
  const directory = mkdtempSync(join(tmpdir(), 'kho-lab-save-'))
  const draft = join(directory, 'file')
  item.setSavePath(draft)
  item.once('done', (_event, state) => {
    keep(item.getFilename(), draft, state, page)
      .finally(() => rm(directory, { recursive: true, force: true }))
      .catch((error: unknown) => complain('a file was not saved', error))
  })
}

async function keep(name: string, draft: string, state: string, page: WebContents): Promise<void> {
  const window = BrowserWindow.fromWebContents(page)
  try {
    if (state !== 'completed')
      throw new LabError({ code: 'out-unwritable', message: `${name} could not be gathered in ${tmpdir()}`, hint: ADVICE.full })
    const options = { defaultPath: name }
    const { canceled, filePath } = await (window ? dialog.showSaveDialog(window, options) : dialog.showSaveDialog(options))
    if (!canceled && filePath !== '') await writeWhole(filePath, await readFile(draft), ADVICE)
  } catch (error) {
    const { message, hint } = toLabError(error)
    const box = { type: 'error', title: 'kho-lab', message, ...(hint === undefined ? {} : { detail: hint }) } as const
    await (window ? dialog.showMessageBox(window, box) : dialog.showMessageBox(box))
  }
}

const ADVICE = {
  full: 'Free some space, or save on another file system. What was there before is as it was.',
  other: 'Choose a place that you may write to. What was there before is as it was.',
}
