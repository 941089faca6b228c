import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Cdp } from './cdp.ts'
import type { IpcMain } from './ipc-main.ts'
import type { Session } from './session.ts'

const WORLD = 'Electron Isolated Context'
const BINDING = '__standinSend'
const source = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

/** A frame as senders are known by: one object as long as the frame lives. */
export class WebFrameMain {
  url = ''
  readonly frameId: string
  readonly parent: WebFrameMain | null

  constructor(frameId: string, parent: WebFrameMain | null) {
    this.frameId = frameId
    this.parent = parent
  }
}

/** An event that a listener may prevent. */
export const preventable = <T extends object>(fields: T): T & { defaultPrevented: boolean; preventDefault: () => void } => {
  const event = {
    ...fields,
    defaultPrevented: false,
    preventDefault: () => {
      event.defaultPrevented = true
    },
  }
  return event
}

export interface WebContentsOptions {
  readonly cdp: Cdp
  readonly ipcMain: IpcMain
  readonly session: Session
  readonly preload: string | undefined
  readonly width: number
  readonly height: number
}

type Frame = { id: string; parentId?: string; url: string; urlFragment?: string }
type WindowOpenHandler = (details: { url: string }) => { action: 'allow' | 'deny' }

let count = 0

/** One page of Chromium. */
export class WebContents extends EventEmitter {
  readonly id = ++count
  readonly session: Session
  targetId = ''
  openHandler: WindowOpenHandler = () => ({ action: 'allow' })
  readonly #options: WebContentsOptions
  readonly #frames = new Map<string, WebFrameMain>()
  readonly #frameOfContext = new Map<number, string>()
  readonly #made: Promise<void>
  #session = ''
  #mainFrameId = ''
  #preloadContext: number | undefined
  #expected: string | undefined
  #destroyed = false

  constructor(options: WebContentsOptions) {
    super()
    this.#options = options
    this.session = options.session
    this.#made = this.#make()
  }

  get mainFrame(): WebFrameMain | undefined {
    return this.#frames.get(this.#mainFrameId)
  }

  async #make(): Promise<void> {
    const { cdp, width, height, preload } = this.#options
    this.targetId = (
      await cdp.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank', newWindow: true, width, height })
    ).targetId
    this.#session = (
      await cdp.send<{ sessionId: string }>('Target.attachToTarget', { targetId: this.targetId, flatten: true })
    ).sessionId
    cdp.listen(this.#session, (method, params) => this.#onCdp(method, params))
    await this.#send('Page.enable')
    const { frameTree } = await this.#send<{ frameTree: { frame: Frame } }>('Page.getFrameTree')
    this.#mainFrameId = frameTree.frame.id
    this.#frames.set(frameTree.frame.id, new WebFrameMain(frameTree.frame.id, null))
    await this.#send('Runtime.enable')
    await this.#send('Runtime.addBinding', { name: BINDING, executionContextName: WORLD })
    await this.#send('Fetch.enable', { patterns: [{ urlPattern: '*' }] })
    const bridge = source('bridge.js')
    await this.#send('Page.addScriptToEvaluateOnNewDocument', { source: `(() => {${bridge}\n${source('page-world.js')}\n})()` })
    if (preload === undefined) return
    const world = source('preload-world.js').replace('/*PRELOAD*/', () => `${readFileSync(preload, 'utf8')}\n`)
    await this.#send('Page.addScriptToEvaluateOnNewDocument', { worldName: WORLD, source: `(() => {${bridge}\n${world}\n})()` })
  }

  #send<T = Record<string, unknown>>(method: string, params: object = {}): Promise<T> {
    return this.#options.cdp.send<T>(method, params, this.#session)
  }

  /** For commands whose failure only means that the page went away meanwhile. */
  #tell(method: string, params: object): void {
    this.#send(method, params).catch((error: unknown) => {
      if (!this.#destroyed) process.stderr.write(`electron stand-in: ${method}: ${String(error)}\n`)
    })
  }

  #onCdp(method: string, params: Record<string, unknown>): void {
    switch (method) {
      case 'Page.loadEventFired':
        this.emit('did-finish-load')
        break
      case 'Page.frameNavigated':
        this.#onFrame(params['frame'] as Frame)
        break
      case 'Page.navigatedWithinDocument':
        this.#onFrame({ id: params['frameId'] as string, url: params['url'] as string })
        break
      case 'Runtime.executionContextCreated':
        this.#onContext(params['context'] as { id: number; name: string; auxData?: { frameId: string } })
        break
      case 'Runtime.executionContextsCleared':
        this.#preloadContext = undefined
        this.#frameOfContext.clear()
        break
      case 'Runtime.bindingCalled':
        void this.#onMessage(params['executionContextId'] as number, params['payload'] as string)
        break
      case 'Fetch.requestPaused':
        this.#onRequest(
          params as unknown as { requestId: string; request: { url: string }; resourceType: string; frameId: string },
        )
        break
      case 'Inspector.targetCrashed':
        this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 1 })
        break
    }
  }

  #onFrame({ id, parentId, url, urlFragment }: Frame): void {
    const frame =
      this.#frames.get(id) ?? new WebFrameMain(id, parentId === undefined ? null : (this.#frames.get(parentId) ?? null))
    this.#frames.set(id, frame)
    frame.url = url + (urlFragment ?? '')
  }

  #onContext({ id, name, auxData }: { id: number; name: string; auxData?: { frameId: string } }): void {
    if (!auxData) return
    this.#frameOfContext.set(id, auxData.frameId)
    if (name === WORLD && auxData.frameId === this.#mainFrameId) this.#preloadContext = id
  }

  async #onMessage(context: number, payload: string): Promise<void> {
    const message = JSON.parse(payload) as { kind: 'invoke' | 'send'; id: number; channel: string; args: unknown[] }
    const frame = this.#frames.get(this.#frameOfContext.get(context) ?? '') ?? null
    const event = { sender: this, senderFrame: frame, frameId: frame?.frameId, type: 'frame' }
    const { ipcMain } = this.#options
    if (message.kind === 'send') {
      ipcMain.emit(message.channel, event, ...message.args)
      return
    }
    const { ok, value } = await ipcMain.answer(message.channel, event, message.args)
    this.#tell('Runtime.evaluate', {
      contextId: context,
      expression: `__standinReply(${message.id}, ${ok}, ${value === undefined ? 'undefined' : JSON.stringify(value)})`,
    })
  }

  /** Asks the app about a request: as navigation when the page itself goes elsewhere, then as request. */
  #onRequest({
    requestId,
    request,
    resourceType,
    frameId,
  }: {
    requestId: string
    request: { url: string }
    resourceType: string
    frameId: string
  }): void {
    const navigates = resourceType === 'Document' && frameId === this.#mainFrameId && request.url !== this.#expected
    if (navigates) {
      const event = preventable({ url: request.url, isMainFrame: true })
      this.emit('will-navigate', event, request.url)
      if (event.defaultPrevented) {
        this.#tell('Fetch.failRequest', { requestId, errorReason: 'Aborted' })
        return
      }
    }
    this.session.webRequest.ask(request.url, (cancel) => {
      if (cancel) this.#tell('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' })
      else this.#tell('Fetch.continueRequest', { requestId })
    })
  }

  send(channel: string, ...args: unknown[]): void {
    if (this.#preloadContext === undefined) return
    this.#tell('Runtime.evaluate', {
      contextId: this.#preloadContext,
      expression: `__standinEvent(${JSON.stringify(channel)}, ${JSON.stringify(args)})`,
    })
  }

  async loadURL(url: string): Promise<void> {
    await this.#made
    this.#expected = url.split('#', 1)[0]
    const loaded = new Promise((resolve) => this.once('did-finish-load', resolve))
    const { errorText } = await this.#send<{ errorText?: string }>('Page.navigate', { url })
    if (errorText) throw new Error(`${errorText} loading '${url}'`)
    await loaded
  }

  async printToPDF({ printBackground = false, preferCSSPageSize = false } = {}): Promise<Buffer> {
    const { data } = await this.#send<{ data: string }>('Page.printToPDF', { printBackground, preferCSSPageSize })
    return Buffer.from(data, 'base64')
  }

  reload(): void {
    this.#expected = this.getURL().split('#', 1)[0]
    this.#tell('Page.reload', {})
  }

  getURL(): string {
    return this.mainFrame?.url ?? ''
  }

  setWindowOpenHandler(handler: WindowOpenHandler): void {
    this.openHandler = handler
  }

  isDestroyed(): boolean {
    return this.#destroyed
  }

  close(): void {
    this.emit('close-requested')
  }

  /** Ends the page at once. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return
    this.#destroyed = true
    await this.#made
    await this.#options.cdp.send('Target.closeTarget', { targetId: this.targetId }).catch(() => undefined)
    this.emit('destroyed')
  }
}
