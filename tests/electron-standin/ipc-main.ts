import { EventEmitter } from 'node:events'

type Handler = (event: unknown, ...args: unknown[]) => unknown

export class IpcMain extends EventEmitter {
  readonly #handlers = new Map<string, Handler>()

  handle(channel: string, handler: Handler): void {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`)
    this.#handlers.set(channel, handler)
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel)
  }

  /** The answer to an invoke, with Electron's words for what goes wrong. */
  async answer(channel: string, event: unknown, args: readonly unknown[]): Promise<{ ok: boolean; value: unknown }> {
    try {
      const handler = this.#handlers.get(channel)
      if (!handler) throw new Error(`No handler registered for '${channel}'`)
      return { ok: true, value: structuredClone(await handler(event, ...args)) }
    } catch (error) {
      return { ok: false, value: `Error invoking remote method '${channel}': ${String(error)}` }
    }
  }
}
