import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Desk } from '../lab/desk.ts'
import { PAGE_DIRECTORY } from '../lab/own-folders.ts'
import { LabError, messageOf } from '../shared/result.ts'
import { loadAssets, type Asset } from './assets.ts'
import { SECURITY_HEADERS, cookieValue, refusal, sameSecret } from './guard.ts'
import { carry } from './socket.ts'

export interface WebHostOptions {
  readonly desk: Desk
  /** 0 takes a free port. */
  readonly port?: number
  /** Address to listen on; loopback unless given. */
  readonly host?: string
  /** The built page; the lab's own unless given. */
  readonly directory?: string
}

export interface WebHost {
  /** Opens the lab; holds the token. */
  readonly url: string
  readonly port: number
  readonly host: string
  close(): Promise<void>
}

/** Largest message of a page: a stored report of the contract's limit, as JSON. */
const MESSAGE_LIMIT = 72 * 1024 * 1024

/**
 * Serves the lab's page and its contract over one WebSocket. Whoever has the token has the lab, and with it QEMU as this user:
 * it listens on loopback unless told otherwise, and checks Host, Origin and token on everything.
 */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const host = options.host ?? '127.0.0.1'
  const assets = await loadAssets(options.directory ?? PAGE_DIRECTORY)
  const token = randomBytes(24).toString('base64url')
  const server = createServer()
  await listen(server, options.port ?? 0, host)
  const { port } = server.address() as AddressInfo
  // Cookies do not tell ports apart: two labs on one machine need two names.
  const cookie = `kho-lab-${port}`
  const admitted = (request: IncomingMessage): boolean => sameSecret(cookieValue(request, cookie) ?? '', token)

  server.on('request', (request, response) => answerRequest(request, response, { assets, host, token, cookie, admitted }))
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_LIMIT, perMessageDeflate: false })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const why =
      refusal(request, host, true) ??
      (admitted(request) ? undefined : 'no valid token') ??
      (request.url === '/lab' ? undefined : 'no such path')
    if (why !== undefined) {
      socket.end(
        `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${why.length}\r\n\r\n${why}`,
      )
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => carry(webSocket, options.desk))
  })

  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}/?token=${token}`,
    port,
    host,
    async close() {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The one line that `kho-lab serve` prints. */
export function webHostLine(web: WebHost): string {
  return `kho-lab: ${web.url}  (from another machine: ssh -N -L ${web.port}:127.0.0.1:${web.port} ${process.env['USER'] ?? 'USER'}@THIS-HOST, then the same address)`
}

interface Served {
  readonly assets: ReadonlyMap<string, Asset>
  readonly host: string
  readonly token: string
  readonly cookie: string
  readonly admitted: (request: IncomingMessage) => boolean
}

function answerRequest(request: IncomingMessage, response: ServerResponse, served: Served): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
  const why = refusal(request, served.host, false)
  if (why !== undefined) {
    say(response, 403, `Refused: ${why}.`)
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    say(response, 405, 'Only GET is answered here.')
    return
  }
  const url = URL.parse(request.url ?? '/', 'http://lab.invalid')
  if (!url) {
    say(response, 400, 'The address cannot be read.')
    return
  }
  const given = url.searchParams.get('token')
  if (given !== null && sameSecret(given, served.token)) {
    response.setHeader('Set-Cookie', `${served.cookie}=${served.token}; Path=/; HttpOnly; SameSite=Strict`)
    response.setHeader('Location', '/')
    say(response, 303, 'Go to /.')
    return
  }
  if (!served.admitted(request)) {
    say(
      response,
      401,
      'This lab needs the token in its address. Open the whole line that "kho-lab serve" printed, from http:// to the end.',
    )
    return
  }
  const asset = served.assets.get(url.pathname === '/' ? '/index.html' : url.pathname)
  if (!asset) {
    say(response, 404, 'There is no such page.')
    return
  }
  send(request, response, url.pathname, asset)
}

function send(request: IncomingMessage, response: ServerResponse, path: string, asset: Asset): void {
  const packed = asset.gzip !== undefined && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? asset.gzip : undefined
  const body = packed ?? asset.body
  response.setHeader('Content-Type', asset.mediaType)
  response.setHeader('Content-Length', body.length)
  response.setHeader('Vary', 'Accept-Encoding')
  // The names below assets/ hold a hash of the content.
  response.setHeader('Cache-Control', path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-store')
  if (packed) response.setHeader('Content-Encoding', 'gzip')
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : body)
}

function say(response: ServerResponse, status: number, words: string): void {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.writeHead(status).end(`${words}\n`)
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((cause: unknown) => {
    throw new LabError(
      {
        code: 'usage',
        message: `cannot listen on ${host} port ${port}: ${messageOf(cause)}`,
        hint: 'Give another --port, or 0 for a free one.',
      },
      { cause },
    )
  })
}
