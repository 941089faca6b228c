import { once } from 'node:events'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws'
import { connectWebSocket } from './web-socket.ts'

const servers: WebSocketServer[] = []
async function serve(port = 0): Promise<{ server: WebSocketServer; url: string; port: number }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port })
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no address')
  return { server, url: `ws://127.0.0.1:${address.port}`, port: address.port }
}
async function stop(server: WebSocketServer): Promise<void> {
  for (const client of server.clients) client.terminate()
  await new Promise((resolve) => server.close(resolve))
}
afterEach(async () => {
  await Promise.all(servers.splice(0).map(stop))
})
const answering = (socket: ServerSocket): void => {
  socket.on('message', (data) => {
    const { id, name } = JSON.parse((data as Buffer).toString()) as { id: number; name: string }
    if (name === 'lab:info') socket.send(JSON.stringify({ id, ok: true, value: { version: '1' } }))
    else if (name === 'lab:doctor') socket.send(JSON.stringify({ id, ok: false, error: { code: 'refused', message: 'no' } }))
  })
}

it('comes back by itself, fails what was on its way, and says that it is back', async () => {
  const first = await serve()
  first.server.on('connection', answering)
  const connection = connectWebSocket(first.url)
  const { client, link } = connection
  const returned = vi.fn()
  connection.onReturn(returned)
  expect(await client.invoke('lab:info', {})).toEqual({ version: '1' })
  await expect(client.invoke('lab:doctor', {})).rejects.toMatchObject({ code: 'refused', message: 'no' })

  const lost = client.invoke('image:list', {})
  await stop(first.server)
  await expect(lost).rejects.toMatchObject({ message: 'The connection to the lab broke before it answered.' })
  expect(link.value).toBe('lost')
  const waits = client.invoke('lab:info', {})

  const second = await serve(first.port)
  second.server.on('connection', answering)
  expect(await waits).toEqual({ version: '1' })
  expect([link.value, returned.mock.calls.length]).toEqual(['connected', 1])
})

it('hands events to those who listen, until they stop', async () => {
  const { server, url } = await serve()
  const { client } = connectWebSocket(url)
  const got: number[] = []
  const stopListening = client.on('image:progress', ({ percent }) => got.push(percent))
  const [socket] = (await once(server, 'connection')) as [ServerSocket]
  const tell = (percent: number): void =>
    socket.send(JSON.stringify({ event: 'image:progress', payload: { phase: 'x', percent } }))
  tell(1)
  await vi.waitFor(() => expect(got).toEqual([1]))
  stopListening()
  tell(2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(got).toEqual([1])
})
