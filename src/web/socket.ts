import type { WebSocket } from 'ws'
import { wireError } from '../lab/desk-runs.ts'
import type { Desk } from '../lab/desk.ts'
import { WireRequest, type WireMessage } from '../shared/wire.ts'

/** A page that has this much of events unread is dropped; it comes back and is told the tail. Answers do not count: it asked for them. */
const UNREAD_LIMIT = 64 * 1024 * 1024
const HEARTBEAT_MS = 20_000
/** WebSocket close codes: 1008 is "policy violation". */
const CLOSE_POLICY = 1008

/** Carries the contract between one page and the desk until the connection ends. Runs do not end with it. */
export function carry(socket: WebSocket, desk: Desk): void {
  let unread = 0
  const post = (message: WireMessage): void => {
    if (socket.readyState !== socket.OPEN) return
    const text = JSON.stringify(message)
    const counted = 'event' in message ? text.length : 0
    unread += counted
    socket.send(text, () => {
      unread -= counted
    })
    if (unread > UNREAD_LIMIT) socket.terminate()
  }
  const unsubscribe = desk.subscribe((event, payload) => post({ event, payload }))
  const stopHeartbeat = heartbeat(socket)
  socket.on('close', () => {
    unsubscribe()
    stopHeartbeat()
  })
  // A broken connection is followed by 'close'; the page says what happened and reconnects.
  socket.on('error', () => socket.terminate())
  socket.on('message', (data, isBinary) => {
    const request = isBinary || !Buffer.isBuffer(data) ? undefined : parseRequest(data.toString('utf8'))
    if (!request) {
      socket.close(CLOSE_POLICY, 'not a request of the lab')
      return
    }
    desk.handle(request.name, request.input).then(
      (value) => post({ id: request.id, ok: true, value }),
      (error: unknown) => post({ id: request.id, ok: false, error: wireError(error) }),
    )
  })
}

function parseRequest(text: string): WireRequest | undefined {
  try {
    const parsed = WireRequest.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Ends a connection whose other side is gone without a word. Returns how to stop. */
function heartbeat(socket: WebSocket): () => void {
  let alive = true
  socket.on('pong', () => {
    alive = true
  })
  const timer = setInterval(() => {
    if (!alive) {
      socket.terminate()
      return
    }
    alive = false
    socket.ping()
  }, HEARTBEAT_MS)
  return () => clearInterval(timer)
}
