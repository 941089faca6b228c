import { type Socket, createServer } from 'node:net'

/** A unix socket that waits for one peer. */
export interface Listener {
  /** The one connection. Stays pending when nobody comes. */
  readonly connection: Promise<Socket>
  close(): void
}

/** Listens on `path` before it resolves, so that a peer started afterwards finds it; stops listening once the peer is there. */
export async function listenForOne(path: string): Promise<Listener> {
  const server = createServer()
  const connection = new Promise<Socket>((resolve) => {
    server.once('connection', (socket) => {
      server.close()
      resolve(socket)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return { connection, close: () => void server.close() }
}
