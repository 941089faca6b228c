import { ipcMain, type BrowserWindow, type IpcMainInvokeEvent, type WebFrameMain } from 'electron'
import { wireError } from '../lab/desk-runs.ts'
import type { Desk } from '../lab/desk.ts'
import { requests } from '../shared/contract.ts'
import { LabError } from '../shared/result.ts'
import type { WireAnswer } from '../shared/wire.ts'

const CHANNEL_PREFIX = 'lab/'

/**
 * Puts the contract on Electron's IPC. Only the lab's own window is answered: its main frame, showing the lab's own page.
 * Everything else is refused, and a refusal is an answer, so that no caller hangs.
 */
export function serveContract(desk: Desk, currentWindow: () => BrowserWindow | undefined, pageUrl: string): void {
  for (const name of Object.keys(requests)) {
    ipcMain.handle(CHANNEL_PREFIX + name, async (event, input: unknown): Promise<WireAnswer> => {
      try {
        checkSender(event, currentWindow(), pageUrl)
        return { ok: true, value: await desk.handle(name, input) }
      } catch (error) {
        return { ok: false, error: wireError(error) }
      }
    })
  }
  desk.subscribe((name, payload) => {
    const window = currentWindow()
    if (window && !window.isDestroyed() && !window.webContents.isDestroyed())
      window.webContents.send(CHANNEL_PREFIX + name, payload)
  })
}

function checkSender(
  event: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>,
  window: BrowserWindow | undefined,
  pageUrl: string,
): void {
  const frame: WebFrameMain | null = event.senderFrame
  const own = window !== undefined && event.sender.id === window.webContents.id
  if (own && frame !== null && frame === event.sender.mainFrame && isOwnPage(frame.url, pageUrl)) return
  throw new LabError({ code: 'refused', message: 'the request does not come from the window of the lab' })
}

/** True for the lab's page at any place in it: only what follows `#` may differ. */
export const isOwnPage = (url: string, pageUrl: string): boolean => url.split('#', 1)[0] === pageUrl
