/** What `import 'electron'` gives in the main process under the stand-in. */
import { App } from './app.ts'
import { browserWindowClass } from './browser-window.ts'
import type { Cdp } from './cdp.ts'
import { dialog } from './dialog.ts'
import { Downloads } from './downloads.ts'
import { IpcMain } from './ipc-main.ts'
import { Notification } from './notification.ts'
import { Session } from './session.ts'
import type { WebContents } from './web-contents.ts'

let chromium: Cdp | undefined
let downloads: Downloads | undefined
function cdp(): Cdp {
  if (!chromium) throw new Error('Chromium has not been started')
  return chromium
}

export const app = new App()
export const ipcMain = new IpcMain()
export const session = { defaultSession: new Session() }
export const BrowserWindow = browserWindowClass({ app, ipcMain, session: session.defaultSession, cdp })
const allContents = (): WebContents[] => BrowserWindow.getAllWindows().map((window) => window.webContents)
export const webContents = {
  getAllWebContents: allContents,
  fromId: (id: number) => allContents().find((contents) => contents.id === id),
  fromDevToolsTargetId: (targetId: string) => allContents().find((contents) => contents.targetId === targetId),
}
app.closeAllWindows = () => BrowserWindow.getAllWindows().every((window) => window.close())

/**
 * A debugger that attaches to a new page holds it until it has looked at it. Closed within that moment, the page that opened it
 * hangs in window.open() for good.
 */
const POPUP_SETTLE_MS = 500
const report = (error: unknown): void => void process.stderr.write(`electron stand-in: ${String(error)}\n`)

/** Windows of Chromium that the app did not open: its handler of window.open says whether they stay. */
export function attachChromium(connection: Cdp): void {
  chromium = connection
  const heard = new Downloads(connection, session.defaultSession, () => allContents()[0])
  downloads = heard
  connection.listen('', (method, params) => {
    if (method.startsWith('Browser.download')) heard.hear(method, params)
    const target = params['targetInfo'] as { targetId: string; type: string; openerId?: string; url: string } | undefined
    if (method === 'Target.targetDestroyed') {
      BrowserWindow.getAllWindows()
        .find((window) => window.webContents.targetId === params['targetId'])
        ?.destroy()
    }
    if (method !== 'Target.targetCreated' || target?.type !== 'page' || target.openerId === undefined) return
    const opener = webContents.fromDevToolsTargetId(target.openerId)
    if (opener?.openHandler({ url: target.url }).action !== 'deny') return
    setTimeout(() => void connection.send('Target.closeTarget', { targetId: target.targetId }).catch(report), POPUP_SETTLE_MS)
  })
  connection.send('Target.setDiscoverTargets', { discover: true }).catch(report)
}

export function becomeReady(): void {
  downloads?.begin().catch(report)
  app.markReady()
}

export { dialog, Notification }
export default { app, dialog, ipcMain, session, BrowserWindow, webContents, Notification }
