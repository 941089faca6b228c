/** One connection of the DevTools protocol, with sessions in flat mode. */
type Message = {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: unknown
  error?: { message: string }
  sessionId?: string
}
export type CdpListener = (method: string, params: Record<string, unknown>) => void

export class Cdp {
  readonly #socket: WebSocket
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  readonly #listeners = new Map<string, CdpListener>()
  #nextId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', (event) => this.#receive(JSON.parse(String(event.data)) as Message))
    socket.addEventListener('close', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('Chromium is gone'))
      this.#pending.clear()
    })
  }

  static async connect(url: string): Promise<Cdp> {
    const socket = new WebSocket(url)
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true })
      socket.addEventListener('error', () => reject(new Error(`cannot connect to ${url}`)), { once: true })
    })
    return new Cdp(socket)
  }

  /** Sends a command; to the browser itself without `session`. */
  send<T = Record<string, unknown>>(method: string, params: object = {}, session?: string): Promise<T> {
    const id = ++this.#nextId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params, ...(session === undefined ? {} : { sessionId: session }) }))
    })
  }

  /** One listener per session; the browser's own events have the empty name. */
  listen(session: string, listener: CdpListener): void {
    this.#listeners.set(session, listener)
  }

  #receive(message: Message): void {
    if (message.id === undefined) {
      this.#listeners.get(message.sessionId ?? '')?.(message.method ?? '', message.params ?? {})
      return
    }
    const asked = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.error) asked?.reject(new Error(message.error.message))
    else asked?.resolve((message.result ?? {}) as never)
  }
}
