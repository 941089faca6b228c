import { EventEmitter } from 'node:events'

type BeforeRequest = (details: { url: string }, answer: (response: { cancel?: boolean }) => void) => void

class WebRequest {
  #listener: BeforeRequest | undefined

  onBeforeRequest(listener: BeforeRequest | null): void {
    this.#listener = listener ?? undefined
  }

  /** Tells `decide` whether the app cancels the request. */
  ask(url: string, decide: (cancel: boolean) => void): void {
    if (this.#listener) this.#listener({ url }, ({ cancel }) => decide(cancel === true))
    else decide(false)
  }
}

/** Permissions are denied by headless Chromium itself; the handlers are kept so that a test can look at them. */
export class Session extends EventEmitter {
  readonly webRequest = new WebRequest()
  permissionRequestHandler: unknown
  permissionCheckHandler: unknown
  devicePermissionHandler: unknown

  setPermissionRequestHandler(handler: unknown): void {
    this.permissionRequestHandler = handler
  }

  setPermissionCheckHandler(handler: unknown): void {
    this.permissionCheckHandler = handler
  }

  setDevicePermissionHandler(handler: unknown): void {
    this.devicePermissionHandler = handler
  }
}
