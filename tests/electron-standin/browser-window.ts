import { EventEmitter } from 'node:events'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Cdp } from './cdp.ts'
import type { App } from './app.ts'
import type { IpcMain } from './ipc-main.ts'
import type { Session } from './session.ts'
import { preventable, WebContents } from './web-contents.ts'

interface WindowOptions {
  readonly width?: number
  readonly height?: number
  readonly x?: number
  readonly y?: number
  readonly webPreferences?: {
    readonly preload?: string
    readonly sandbox?: boolean
    readonly contextIsolation?: boolean
    readonly nodeIntegration?: boolean
  }
}

export interface WindowWorld {
  readonly app: App
  readonly ipcMain: IpcMain
  readonly session: Session
  cdp(): Cdp
}

/** Makes the BrowserWindow class over one Chromium. The stand-in only has sandboxed, isolated pages and refuses to pretend others. */
export function browserWindowClass(world: WindowWorld) {
  const open = new Set<BrowserWindow>()
  let count = 0

  class BrowserWindow extends EventEmitter {
    readonly id = ++count
    readonly webContents: WebContents
    #bounds: { x: number; y: number; width: number; height: number }
    #maximized = false
    #minimized = false
    #destroyed = false

    constructor(options: WindowOptions = {}) {
      super()
      const { preload, sandbox, contextIsolation, nodeIntegration } = options.webPreferences ?? {}
      if (sandbox === false || contextIsolation === false || nodeIntegration === true) {
        throw new Error('the electron stand-in has only sandboxed pages with context isolation and without Node')
      }
      this.#bounds = { x: options.x ?? 0, y: options.y ?? 0, width: options.width ?? 800, height: options.height ?? 600 }
      const { width, height } = this.#bounds
      this.webContents = new WebContents({
        cdp: world.cdp(),
        ipcMain: world.ipcMain,
        session: world.session,
        preload,
        width,
        height,
      })
      this.webContents.on('close-requested', () => this.close())
      this.webContents.once('did-finish-load', () => this.emit('ready-to-show'))
      open.add(this)
      world.app.emit('web-contents-created', {}, this.webContents)
      world.app.emit('browser-window-created', {}, this)
    }

    loadURL(url: string): Promise<void> {
      return this.webContents.loadURL(url)
    }

    loadFile(file: string): Promise<void> {
      return this.loadURL(pathToFileURL(path.resolve(file)).href)
    }

    reload(): void {
      this.webContents.reload()
    }

    /** Nothing is seen in headless Chromium; only the states are kept. */
    show(): void {}
    focus(): void {}
    maximize(): void {
      this.#maximized = true
    }
    unmaximize(): void {
      this.#maximized = false
    }
    minimize(): void {
      this.#minimized = true
    }
    restore(): void {
      this.#minimized = false
    }
    isMaximized(): boolean {
      return this.#maximized
    }
    isMinimized(): boolean {
      return this.#minimized
    }
    getBounds(): { x: number; y: number; width: number; height: number } {
      return { ...this.#bounds }
    }
    getNormalBounds(): { x: number; y: number; width: number; height: number } {
      return { ...this.#bounds }
    }
    isDestroyed(): boolean {
      return this.#destroyed
    }

    /** False when a listener prevented it. */
    close(): boolean {
      if (this.#destroyed) return true
      const event = preventable({})
      this.emit('close', event)
      if (event.defaultPrevented) return false
      this.destroy()
      return true
    }

    destroy(): void {
      if (this.#destroyed) return
      this.#destroyed = true
      open.delete(this)
      void this.webContents.destroy()
      this.emit('closed')
      if (open.size > 0 || world.app.isQuitting) return
      if (world.app.listenerCount('window-all-closed') === 0) world.app.quit()
      else world.app.emit('window-all-closed')
    }

    static getAllWindows(): BrowserWindow[] {
      return [...open]
    }

    static fromWebContents(contents: WebContents): BrowserWindow | null {
      return [...open].find((window) => window.webContents === contents) ?? null
    }
  }
  return BrowserWindow
}
