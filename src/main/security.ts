import { app, session, type Session, type WebContents } from 'electron'
import { isOwnPage } from './ipc.ts'
import { saveWhole } from './save.ts'

/** Lets one more file be loaded; the function it returns takes that back. */
export type Permit = (url: string) => () => void

/** Denies every page of this app what the lab's page never needs: permissions, devices, the network, other pages, windows, webviews. */
export function lockDown(pageUrl: string): Permit {
  const permitted = new Set<string>()
  const { defaultSession } = session
  denyPermissions(defaultSession)
  const pageFolder = new URL('./', pageUrl).href
  defaultSession.webRequest.onBeforeRequest((details, answer) =>
    answer({ cancel: !mayLoad(details.url, pageFolder) && !permitted.has(details.url) }),
  )
  // A page saves what it made itself and nothing else.
  defaultSession.on('will-download', (event, item, page) => {
    if (/^(blob|data):/.test(item.getURL())) saveWhole(item, page)
    else event.preventDefault()
  })
  app.on('web-contents-created', (_event, contents) => confine(contents, pageUrl))
  return (url) => {
    permitted.add(url)
    return () => permitted.delete(url)
  }
}

function denyPermissions(target: Session): void {
  target.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  target.setPermissionCheckHandler(() => false)
  target.setDevicePermissionHandler(() => false)
}

/** Reports are shown in frames without an address of their own; no frame goes anywhere else. */
function confine(contents: WebContents, pageUrl: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  contents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url, pageUrl)) event.preventDefault()
  })
  contents.on('will-frame-navigate', (event) => {
    if (!isOwnPage(event.url, pageUrl) && !/^about:(srcdoc|blank)$/.test(event.url)) event.preventDefault()
  })
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
}

/** The page's own files; data and blob texts, which it makes itself; the developer tools, which only a person opens. */
function mayLoad(url: string, pageFolder: string): boolean {
  return url.startsWith(pageFolder) || /^(data|blob|devtools):/.test(url)
}
