import fc from 'fast-check'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { QmpClient, type QmpEvent } from './qmp.ts'

const Request = z.object({ execute: z.string(), id: z.number() })
const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}\r\n'

let directory: string
let server: Server | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kho-qmp-'))
})
afterEach(async () => {
  server?.close()
  await rm(directory, { recursive: true })
})

/** A peer that greets with `greeting` and answers each line with what `answer` says. */
async function peer(
  greeting: string | Buffer,
  answer: (request: { execute: string; id: number }, socket: Socket) => void,
): Promise<Socket> {
  const path = join(directory, 'qmp.sock')
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.write(greeting)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        answer(Request.parse(JSON.parse(text.slice(0, end))), socket)
        text = text.slice(end + 1)
      }
    })
  })
  await new Promise<void>((resolve) => server?.listen(path, resolve))
  return connect(path)
}

const obeying =
  (extra: (request: { execute: string; id: number }, socket: Socket) => void) =>
  (request: { execute: string; id: number }, socket: Socket): void =>
    request.execute === 'qmp_capabilities' ? void socket.write(`{"return": {}, "id": ${request.id}}\r\n`) : extra(request, socket)

describe('QmpClient', () => {
  it('greets, negotiates and matches answers to commands by id, in any order', async () => {
    const held: number[] = []
    const socket = await peer(
      GREETING,
      obeying((request, peerSocket) => {
        held.push(request.id)
        if (held.length < 2) return
        for (const id of held.reverse()) peerSocket.write(`{"return": "answer ${id}", "id": ${id}}\r\n`)
      }),
    )
    const { client, version } = await QmpClient.open(socket)
    expect(version).toEqual({ version: '7.2.22', package: 'Debian' })
    expect(await Promise.all([client.execute('a'), client.execute('b')])).toEqual(['answer 2', 'answer 3'])
    client.close()
  })

  it('hands out events, also between a command and its answer and in pieces', async () => {
    const socket = await peer(
      GREETING,
      obeying((request, peerSocket) => {
        peerSocket.write('{"timestamp": {"seconds": 1}, "event": "SHUT')
        setImmediate(() =>
          peerSocket.write(`DOWN", "data": {"guest": true, "reason": "guest-reset"}}\r\n{"return": {}, "id": ${request.id}}\r\n`),
        )
      }),
    )
    const { client } = await QmpClient.open(socket)
    const events: QmpEvent[] = []
    client.on('event', (event) => events.push(event))
    await client.execute('cont')
    expect(events).toEqual([{ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-reset' } }])
    client.close()
  })

  it('passes on what QEMU says about a refused command', async () => {
    const socket = await peer(
      GREETING,
      obeying(
        (request, peerSocket) =>
          void peerSocket.write(
            `{"id": ${request.id}, "error": {"class": "CommandNotFound", "desc": "The command x has not been found"}}\n`,
          ),
      ),
    )
    const { client } = await QmpClient.open(socket)
    await expect(client.execute('x')).rejects.toThrow('QEMU refused a command: The command x has not been found')
    client.close()
  })

  it('gives up a command that is not answered, and goes on', async () => {
    const socket = await peer(
      GREETING,
      obeying((request, peerSocket) => {
        if (request.execute === 'status') peerSocket.write(`{"return": 1, "id": ${request.id}}\n`)
      }),
    )
    const { client } = await QmpClient.open(socket)
    await expect(client.execute('silence', {}, 20)).rejects.toThrow('QEMU did not answer silence within 20 ms')
    expect(await client.execute('status')).toBe(1)
    client.close()
  })

  it('fails every waiting command when the monitor closes, and every later one', async () => {
    const socket = await peer(
      GREETING,
      obeying((_request, peerSocket) => peerSocket.end()),
    )
    const { client } = await QmpClient.open(socket)
    await expect(Promise.allSettled([client.execute('a'), client.execute('b')])).resolves.toMatchObject([
      { status: 'rejected' },
      { status: 'rejected' },
    ])
    await expect(client.execute('c')).rejects.toThrow('QEMU closed its monitor')
  })

  it('needs a greeting in time', async () => {
    await expect(QmpClient.open(await peer('', () => undefined), 30)).rejects.toThrow(
      "no greeting from QEMU's monitor within 30 ms",
    )
  })

  it('closes on text that is no JSON', async () => {
    await expect(QmpClient.open(await peer('SSH-2.0-dropbear\r\n', () => undefined))).rejects.toThrow(
      "QEMU's monitor sent no JSON",
    )
  })

  it('closes on a line without end', async () => {
    const socket = await peer(Buffer.alloc(17 * 1024 * 1024, 32), () => undefined)
    await expect(QmpClient.open(socket)).rejects.toThrow('sent a line of more than 16777216 bytes')
  })

  it('survives any bytes and any JSON after the greeting', async () => {
    const noise = fc.oneof(
      fc.json().map((text) => `${text}\n`),
      fc.string().map((text) => `${text}\n`),
      fc.constantFrom(
        '{"event":1}\n',
        '{"event":"X","data":[]}\n',
        '{"id":1}\n',
        '{"id":"1","return":1}\n',
        '{"id":2,"error":null}\n',
        '{"QMP":null}\n',
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 5 }), async (lines) => {
        const socket = await peer(
          GREETING + lines.join(''),
          obeying(() => undefined),
        )
        const opened = await QmpClient.open(socket, 200).then(
          ({ client }) => client,
          (error: unknown) => error,
        )
        if (opened instanceof QmpClient) opened.close()
        else expect(opened).toHaveProperty('code', 'internal')
        await new Promise((resolve) => server?.close(resolve))
      }),
      { numRuns: 60 },
    )
  })
})
