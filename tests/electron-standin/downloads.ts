import { EventEmitter } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Cdp } from './cdp.ts'
import type { Session } from './session.ts'
import { preventable } from './web-contents.ts'

/** A download as the app sees it. Without a save path nothing is kept: there is nobody to ask for one. */
class DownloadItem extends EventEmitter {
  savePath = ''
  readonly #url: string
  readonly #name: string

  constructor(url: string, name: string) {
    super()
    this.#url = url
    this.#name = name
  }

  getURL(): string {
    return this.#url
  }

  getFilename(): string {
    return this.#name
  }

  setSavePath(file: string): void {
    this.savePath = file
  }
}

/** Tells the session of what Chromium downloads. Chromium writes into a folder of the stand-in; from there it goes to the save path. */
export class Downloads {
  readonly #cdp: Cdp
  readonly #session: Session
  readonly #contents: () => unknown
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'electron-standin-downloads-'))
  readonly #items = new Map<string, DownloadItem>()

  constructor(cdp: Cdp, session: Session, contents: () => unknown) {
    this.#cdp = cdp
    this.#session = session
    this.#contents = contents
    process.on('exit', () => rmSync(this.#folder, { recursive: true, force: true }))
  }

  /** Whoever asks last gets them: to be called after a debugger has settled. */
  begin(): Promise<unknown> {
    return this.#cdp.send('Browser.setDownloadBehavior', {
      behavior: 'allowAndName',
      downloadPath: this.#folder,
      eventsEnabled: true,
    })
  }

  hear(method: string, params: Record<string, unknown>): void {
    const id = String(params['guid'])
    if (method === 'Browser.downloadWillBegin') {
      const item = new DownloadItem(String(params['url']), String(params['suggestedFilename']))
      const event = preventable({})
      this.#session.emit('will-download', event, item, this.#contents())
      if (event.defaultPrevented) this.#cdp.send('Browser.cancelDownload', { guid: id }).catch(() => undefined)
      else this.#items.set(id, item)
    }
    const item = this.#items.get(id)
    const { state } = params
    if (method !== 'Browser.downloadProgress' || item === undefined || state === 'inProgress') return
    this.#items.delete(id)
    if (state === 'completed' && item.savePath !== '') copyFileSync(path.join(this.#folder, id), item.savePath)
    item.emit('done', {}, state === 'completed' ? 'completed' : 'cancelled')
  }
}
