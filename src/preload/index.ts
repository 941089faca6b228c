/* eslint-disable @typescript-eslint/only-throw-error -- of an Error the bridge passes the message alone; plain data goes whole */
import { contextBridge, ipcRenderer } from 'electron'
import type { EventName, LabClient, RequestName } from '../shared/contract.ts'
import type { WireAnswer } from '../shared/wire.ts'

/** The contract's keys, put here by the build (electron.vite.config.ts). */
declare const REQUEST_NAMES: readonly RequestName[]
declare const EVENT_NAMES: readonly EventName[]

const CHANNEL_PREFIX = 'lab/'

/** One function per request of the contract; nothing else can be sent from the page. */
const senders = new Map<string, (input: unknown) => Promise<WireAnswer>>()
for (const name of REQUEST_NAMES) {
  senders.set(name, (input) => ipcRenderer.invoke(CHANNEL_PREFIX + name, input) as Promise<WireAnswer>)
}

/** Who listens to each event of the contract; the page never sees ipcRenderer or its event objects. */
const listeners = new Map<string, Set<(payload: unknown) => void>>()
for (const name of EVENT_NAMES) {
  const set = new Set<(payload: unknown) => void>()
  listeners.set(name, set)
  ipcRenderer.on(CHANNEL_PREFIX + name, (_event, payload: unknown) => {
    for (const listener of set) listener(payload)
  })
}

const noSuch = (kind: string, name: unknown) => ({
  code: 'refused',
  message: `the lab has no such ${kind}`,
  evidence: [String(name).slice(0, 100)],
})

const lab = Object.freeze({
  async invoke(name: string, input: unknown): Promise<unknown> {
    const send = senders.get(name)
    if (!send) throw noSuch('request', name)
    const answer = await send(input)
    if (!answer.ok) throw answer.error
    return answer.value
  },
  on(name: string, listener: (payload: unknown) => void): () => void {
    const set = listeners.get(name)
    if (!set) throw noSuch('event', name)
    set.add(listener)
    return () => set.delete(listener)
  },
})

contextBridge.exposeInMainWorld('lab', lab satisfies Record<keyof LabClient, unknown>)
