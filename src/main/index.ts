import { app, type BrowserWindow } from 'electron'
import type { Desk } from '../lab/desk.ts'
import { openDesk } from '../lab/open-desk.ts'
import { stayWhileWorking } from './background.ts'
import { complain } from './complain.ts'
import { serveContract } from './ipc.ts'
import { notifyOfEnds } from './notify.ts'
import { printerOf } from './print.ts'
import { lockDown } from './security.ts'
import { openWindow, PAGE_URL } from './window.ts'

/** The app: one window over one desk. Runs belong to the desk: they go on while the window is closed, and are stopped when the app ends. */
function main(): void {
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  let desk: Desk | undefined
  let window: BrowserWindow | undefined
  let stopped = false

  const show = (): void => {
    if (window && !window.isDestroyed()) {
      if (window.isMinimized()) window.restore()
      window.focus()
      return
    }
    window = openWindow(app.getPath('userData'))
    window.on('closed', () => {
      window = undefined
    })
  }

  app.on('second-instance', show)
  app.on('activate', show)
  app.on('window-all-closed', () => {
    if (desk) stayWhileWorking({ desk, open: show, isOpen: () => window !== undefined, quit: () => app.quit() })
    else app.quit()
  })
  // Guests are stopped before the app goes; the desk bounds how long that takes.
  app.on('before-quit', (event) => {
    if (stopped || !desk) return
    event.preventDefault()
    desk
      .dispose()
      .finally(() => {
        stopped = true
        app.quit()
      })
      .catch((error: unknown) => complain('the lab was not closed in order', error))
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())

  app
    .whenReady()
    .then(async () => {
      const permit = lockDown(PAGE_URL)
      desk = await openDesk({ host: 'electron', print: printerOf(permit) })
      serveContract(desk, () => window, PAGE_URL)
      notifyOfEnds(desk, show)
      show()
    })
    .catch((error: unknown) => {
      complain('the app could not start', error)
      app.exit(1)
    })
}

main()
