import { BrowserWindow } from 'electron'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { complain } from './complain.ts'
import { readWindowState, writeWindowState } from './window-state.ts'

const PRELOAD = fileURLToPath(new URL('../preload/index.cjs', import.meta.url))

/** The lab's page as this app loads it. */
export const PAGE_URL = new URL('../renderer/index.html', import.meta.url).href

/** Opens the one window. Its page is sandboxed and isolated and has only what the preload gives it. */
export function openWindow(userData: string): BrowserWindow {
  const stateFile = join(userData, 'window.json')
  const { maximized, ...bounds } = readWindowState(stateFile)
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 640,
    minHeight: 400,
    title: 'kho-lab',
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload: PRELOAD,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  })
  if (maximized) window.maximize()
  window.once('ready-to-show', () => window.show())
  window.on('close', () => writeWindowState(stateFile, { ...window.getNormalBounds(), maximized: window.isMaximized() }))
  // A page that died comes back by itself; the run did not end with it.
  window.webContents.on('render-process-gone', (_event, details) => {
    if (details.reason !== 'clean-exit' && !window.isDestroyed()) window.reload()
  })
  window.loadURL(PAGE_URL).catch((error: unknown) => complain('the page could not be opened', error))
  return window
}
