// @ts-check
/* The isolated world: a preload with the modules that a sandboxed preload has. `send` and PRELOAD are put in by the stand-in. */
if (window === window.top) {
  const bridge = makeBridge('preload', 'page')
  const waiting = new Map()
  const listeners = new Map()
  let last = 0
  const copy = (value) => {
    if (typeof value === 'function') throw new Error('An object could not be cloned.')
    return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
  }
  globalThis.__standinReply = (id, ok, value) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (ok) resolve(value)
    else reject(new Error(value))
  }
  globalThis.__standinEvent = (channel, args) => {
    for (const listener of listeners.get(channel) ?? []) listener({ senderId: 0 }, ...args)
  }
  const ipcRenderer = {
    invoke: (channel, ...args) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve, reject })
        globalThis.__standinSend(JSON.stringify({ kind: 'invoke', id: last, channel, args: args.map(copy) }))
      }),
    send: (channel, ...args) => globalThis.__standinSend(JSON.stringify({ kind: 'send', channel, args: args.map(copy) })),
    on: (channel, listener) => {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      return ipcRenderer
    },
    removeListener: (channel, listener) => {
      listeners.set(
        channel,
        (listeners.get(channel) ?? []).filter((known) => known !== listener),
      )
      return ipcRenderer
    },
  }
  const contextBridge = { exposeInMainWorld: (key, value) => bridge.expose(key, value) }
  const require = (name) => {
    if (name === 'electron' || name === 'electron/renderer') return { contextBridge, ipcRenderer }
    throw new Error(`module not found: ${name}`)
  }
  const module = { exports: {} }
  const process = {
    platform: 'linux',
    type: 'renderer',
    sandboxed: true,
    contextIsolated: true,
    versions: { electron: '0.0.0-standin' },
  }
  ;((require, module, exports, process) => {
    /*PRELOAD*/
  })(require, module, module.exports, process)
}
