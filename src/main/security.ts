import { app, session } from 'electron'
import { isOwnPage } from './ipc.ts'

/** Denies every page of this app what the lab's page never needs: permissions, the network, other pages, windows, webviews. */
export function lockDown(pageUrl: string): void {
  const { defaultSession } = session
  defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  defaultSession.setPermissionCheckHandler(() => false)
  const pageFolder = new URL('./', pageUrl).href
  defaultSession.webRequest.onBeforeRequest((details, answer) => answer({ cancel: !mayLoad(details.url, pageFolder) }))
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.on('will-navigate', (event) => {
      if (!isOwnPage(event.url, pageUrl)) event.preventDefault()
    })
    contents.on('will-attach-webview', (event) => event.preventDefault())
  })
}

/** The page's own files; data and blob texts, which it makes itself; the developer tools, which only a person opens. */
function mayLoad(url: string, pageFolder: string): boolean {
  return url.startsWith(pageFolder) || /^(data|blob|devtools):/.test(url)
}
