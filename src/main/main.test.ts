import { EventEmitter } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { fixtureDependencies } from '../lab/desk.fixture.ts'
import { createDesk, type Desk } from '../lab/desk.ts'
import { requests } from '../shared/contract.ts'
import type { WireAnswer } from '../shared/wire.ts'

/**
 * The main process against a record of what it asks Electron for: values that it sets, handlers that it leaves. That Electron
 * obeys them is Electron's; the end-to-end test looks at the same from the page's side.
 */
const electron = vi.hoisted(() => ({
  windows: [] as { options: Record<string, unknown>; loaded: string[] }[],
  handlers: new Map<string, (event: unknown, input: unknown) => Promise<unknown>>(),
  permission: new Map<string, (...args: unknown[]) => unknown>(),
  /** Where the user wants a file; undefined: nowhere. */
  wanted: undefined as string | undefined,
  said: [] as string[],
  beforeRequest: undefined as ((details: { url: string }, answer: (response: { cancel: boolean }) => void) => void) | undefined,
}))

vi.mock('electron', async () => {
  const { EventEmitter: Emitter } = await import('node:events')
  class Contents extends Emitter {
    static count = 0
    readonly id = ++Contents.count
    readonly mainFrame = { url: '' }
    readonly sent: unknown[][] = []
    openHandler: ((details: { url: string }) => unknown) | undefined
    setWindowOpenHandler(handler: (details: { url: string }) => unknown): void {
      this.openHandler = handler
    }
    isDestroyed = (): boolean => false
    send = (...message: unknown[]): void => void this.sent.push(message)
  }
  class BrowserWindow extends Emitter {
    static fromWebContents = (): null => null
    readonly webContents = new Contents()
    readonly loaded: string[] = []
    reloads = 0
    readonly options: Record<string, unknown>
    constructor(options: Record<string, unknown>) {
      super()
      this.options = options
      electron.windows.push(this)
      app.emit('web-contents-created', {}, this.webContents)
    }
    loadURL(url: string): Promise<void> {
      this.loaded.push(url)
      this.webContents.mainFrame.url = url
      return Promise.resolve()
    }
    isDestroyed = (): boolean => false
    reload = (): void => void (this.reloads += 1)
    maximize = (): void => undefined
    show = (): void => undefined
  }
  const app = new Emitter()
  const defaultSession = Object.assign(new Emitter(), {
    setPermissionRequestHandler: (handler: () => unknown) => void electron.permission.set('request', handler),
    setPermissionCheckHandler: (handler: () => unknown) => void electron.permission.set('check', handler),
    setDevicePermissionHandler: (handler: () => unknown) => void electron.permission.set('device', handler),
    webRequest: { onBeforeRequest: (handler: typeof electron.beforeRequest) => void (electron.beforeRequest = handler) },
  })
  const ipcMain = {
    handle: (name: string, handler: (event: unknown, input: unknown) => Promise<unknown>) =>
      void electron.handlers.set(name, handler),
  }
  const dialog = {
    showSaveDialog: () => Promise.resolve({ canceled: electron.wanted === undefined, filePath: electron.wanted ?? '' }),
    showMessageBox: ({ message }: { message: string }) => Promise.resolve(void electron.said.push(message)),
  }
  return { app, BrowserWindow, dialog, ipcMain, session: { defaultSession } }
})

const { app, session } = await import('electron')
const { serveContract } = await import('./ipc.ts')
const { lockDown } = await import('./security.ts')
const { openWindow, PAGE_URL } = await import('./window.ts')

/** What the record has of a window; the mock's class, seen through Electron's name. */
interface Recorded extends EventEmitter {
  readonly options: { readonly webPreferences: Record<string, unknown> }
  readonly reloads: number
  readonly webContents: EventEmitter & {
    readonly id: number
    readonly mainFrame: { url: string }
    readonly sent: unknown[][]
    readonly openHandler: (details: { url: string }) => unknown
  }
}

let desk: Desk
let permit: ReturnType<typeof lockDown>
let window: Recorded

beforeEach(() => {
  app.removeAllListeners('web-contents-created')
  session.defaultSession.removeAllListeners('will-download')
  electron.handlers.clear()
  desk = createDesk(fixtureDependencies())
  permit = lockDown(PAGE_URL)
  const opened = openWindow('/nonexistent')
  window = opened as unknown as Recorded
  serveContract(desk, () => opened, PAGE_URL)
})
afterEach(() => desk.dispose())

const prevented = (emitter: EventEmitter, name: string, event: object): boolean => {
  let stopped = false
  emitter.emit(name, { ...event, preventDefault: () => (stopped = true) }, event)
  return stopped
}

describe('the window', () => {
  it('is sandboxed and isolated, without Node, with web security, and with nothing experimental', () => {
    expect(window.options.webPreferences).toEqual({
      preload: expect.stringMatching(/\/preload\/index\.cjs$/) as unknown,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      nodeIntegrationInWorker: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    })
  })

  it('comes back when its page died, and not when it was closed', () => {
    window.webContents.emit('render-process-gone', {}, { reason: 'crashed' })
    expect(window.reloads).toBe(1)
    window.webContents.emit('render-process-gone', {}, { reason: 'clean-exit' })
    expect(window.reloads).toBe(1)
  })

  it('opens no other window and goes nowhere else, in any frame', () => {
    const { webContents } = window
    expect(webContents.openHandler({ url: 'https://example.invalid' })).toEqual({ action: 'deny' })
    for (const url of ['https://example.invalid', 'file:///etc/passwd', `${PAGE_URL}x`, 'javascript:1', 'about:blank'])
      expect([url, prevented(webContents, 'will-navigate', { url })]).toEqual([url, true])
    expect(prevented(webContents, 'will-navigate', { url: `${PAGE_URL}#/runs` })).toBe(false)
    expect(prevented(webContents, 'will-frame-navigate', { url: 'about:srcdoc' })).toBe(false)
    expect(prevented(webContents, 'will-frame-navigate', { url: 'https://example.invalid' })).toBe(true)
    expect(prevented(webContents, 'will-redirect', { url: PAGE_URL })).toBe(true)
    expect(prevented(webContents, 'will-attach-webview', {})).toBe(true)
  })
})

describe('the session', () => {
  it('grants no permission and no device', () => {
    const answers: unknown[] = []
    for (const permission of ['media', 'notifications', 'clipboard-read', 'openExternal', 'fullscreen'])
      electron.permission.get('request')?.(undefined, permission, (granted: boolean) => answers.push(granted))
    expect(answers).toEqual([false, false, false, false, false])
    expect(['check', 'device'].map((name) => electron.permission.get(name)?.())).toEqual([false, false])
  })

  it('loads the files of the page and what it is permitted for a moment, nothing else', () => {
    const cancels = (url: string): boolean => {
      let cancel = false
      electron.beforeRequest?.({ url }, (response) => (cancel = response.cancel))
      return cancel
    }
    const folder = new URL('./', PAGE_URL).href
    expect([`${folder}index.html`, `${folder}assets/a.js`, 'data:,x', 'blob:file:///x'].map(cancels)).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(['http://127.0.0.1/', 'https://example.invalid', 'file:///etc/passwd', 'ftp://x', 'ws://x'].map(cancels)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ])
    const forbid = permit('file:///tmp/report.html')
    expect(cancels('file:///tmp/report.html')).toBe(false)
    forbid()
    expect(cancels('file:///tmp/report.html')).toBe(true)
  })

  /** A download as Electron does it: the file is written where it was told to, and then it says how that went. */
  async function download(url: string, state = 'completed'): Promise<'refused' | 'taken'> {
    let draft = ''
    const item = Object.assign(new EventEmitter(), {
      getURL: () => url,
      getFilename: () => 'report.html',
      setSavePath: (path: string) => void (draft = path),
    })
    const refused = prevented(session.defaultSession, 'will-download', item)
    if (refused) return 'refused'
    writeFileSync(draft, 'a'.repeat(100_000))
    item.emit('done', {}, state)
    await vi.waitFor(() => expect(existsSync(draft)).toBe(false))
    return 'taken'
  }

  it('saves only what the page made, whole, where the user wants it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kho-lab-saved-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const file = join(directory, 'mine.html')
    writeFileSync(file, 'the one before')
    electron.said = []
    electron.wanted = undefined
    expect(await download('https://example.invalid/x')).toBe('refused')
    expect(await download('blob:file:///1')).toBe('taken')
    electron.wanted = file
    expect(await download('blob:file:///1', 'interrupted')).toBe('taken')
    expect([readFileSync(file, 'utf8'), electron.said]).toEqual([
      'the one before',
      [`report.html could not be gathered in ${tmpdir()}`],
    ])
    expect(await download('blob:file:///1')).toBe('taken')
    expect([readFileSync(file, 'utf8').length, readdirSync(directory)]).toEqual([100_000, ['mine.html']])
    electron.wanted = '/dev/full'
    await download('blob:file:///1')
    expect(electron.said[1]).toBe('cannot write /dev/full: no space is left on the device')
  })
})

describe('the channels', () => {
  const ask = async (
    name: string,
    input: unknown,
    from: Partial<{ sender: unknown; senderFrame: unknown }> = {},
  ): Promise<WireAnswer> => {
    const { webContents } = window
    const event = { sender: webContents, senderFrame: webContents.mainFrame, ...from }
    return (await electron.handlers.get(`lab/${name}`)?.(event, input)) as WireAnswer
  }
  const code = (answer: WireAnswer): string => (answer.ok ? 'answered' : answer.error.code)

  it('are those of the contract and no other', () => {
    expect([...electron.handlers.keys()].sort()).toEqual(
      Object.keys(requests)
        .map((name) => `lab/${name}`)
        .sort(),
    )
  })

  it.each(Object.keys(requests))('%s checks who asks and what is asked, and refusing is an answer', async (name) => {
    expect(code(await ask(name, { surplus: 1 }))).toBe('refused')
    expect(code(await ask(name, undefined))).toBe('refused')
    const { webContents } = window
    const elsewhere = { url: 'https://example.invalid' }
    expect(code(await ask(name, {}, { senderFrame: null }))).toBe('refused')
    expect(code(await ask(name, {}, { senderFrame: elsewhere }))).toBe('refused')
    expect(code(await ask(name, {}, { sender: { id: webContents.id + 1, mainFrame: webContents.mainFrame } }))).toBe('refused')
    webContents.mainFrame.url = 'file:///tmp/other.html'
    expect(code(await ask(name, {}))).toBe('refused')
  })

  it('answer the page of the lab', async () => {
    expect(await ask('lab:info', {})).toMatchObject({ ok: true })
  })
})
