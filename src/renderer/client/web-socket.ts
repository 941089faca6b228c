import { ref } from 'vue'
import type { EventName, EventPayload, LabClient, RequestIn, RequestName, RequestOut } from '../../shared/contract.ts'
import type { WireMessage, WireRequest } from '../../shared/wire.ts'
import type { Connection, LinkState } from './connection.ts'
import { ProblemError, type Problem } from './problem.ts'

const RETRY_FIRST_MS = 250
const RETRY_LAST_MS = 5000
/** How long a request waits for the link before it fails. */
const PATIENCE_MS = 10_000

const NO_LINK: Problem = {
  code: 'internal',
  message: 'The lab does not answer.',
  hint: 'Is "kho-lab serve" still running? If it was started again, open the new address that it printed.',
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (problem: ProblemError) => void
}

/** The contract over one WebSocket that comes back by itself. */
export function connectWebSocket(url: string): Connection {
  const link = ref<LinkState>('connecting')
  const pending = new Map<number, Pending>()
  const waiting = new Set<() => void>()
  const listeners = new Map<EventName, Set<(payload: never) => void>>()
  const returned = new Set<() => void>()
  let socket: WebSocket | undefined
  let nextId = 0
  let retryMs = RETRY_FIRST_MS
  let wasOpen = false

  const open = (): void => {
    const fresh = new WebSocket(url)
    fresh.addEventListener('open', () => {
      socket = fresh
      retryMs = RETRY_FIRST_MS
      link.value = 'connected'
      for (const go of waiting) go()
      if (wasOpen) for (const listener of returned) listener()
      wasOpen = true
    })
    fresh.addEventListener('message', (message) => receive(JSON.parse(String(message.data)) as WireMessage))
    fresh.addEventListener('close', () => {
      socket = undefined
      link.value = 'lost'
      for (const { reject } of pending.values())
        reject(new ProblemError({ ...NO_LINK, message: 'The connection to the lab broke before it answered.' }))
      pending.clear()
      setTimeout(open, retryMs)
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS)
    })
  }

  const receive = (message: WireMessage): void => {
    if ('event' in message) {
      for (const listener of listeners.get(message.event) ?? []) listener(message.payload as never)
      return
    }
    const asked = pending.get(message.id)
    pending.delete(message.id)
    if (message.ok) asked?.resolve(message.value)
    else asked?.reject(new ProblemError(message.error))
  }

  const linked = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (socket) {
        resolve()
        return
      }
      const go = (): void => {
        clearTimeout(timer)
        waiting.delete(go)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(go)
        reject(new ProblemError(NO_LINK))
      }, PATIENCE_MS)
      waiting.add(go)
    })

  const client: LabClient = {
    async invoke<K extends RequestName>(name: K, input: RequestIn<K>): Promise<RequestOut<K>> {
      await linked()
      return new Promise((resolve, reject) => {
        const request: WireRequest = { id: nextId++, name, input: input }
        pending.set(request.id, { resolve: resolve as (value: unknown) => void, reject })
        socket?.send(JSON.stringify(request))
      })
    },
    on<K extends EventName>(name: K, listener: (payload: EventPayload<K>) => void): () => void {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener)
      return () => set.delete(listener)
    },
  }
  open()
  return { client, link, onReturn: (listener) => returned.add(listener) }
}
