import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createDesk, type Desk } from '../lab/desk.ts'
import { fixtureDependencies } from '../lab/desk.fixture.ts'
import type { WireMessage } from '../shared/wire.ts'
import { startWebHost, webHostLine, type WebHost } from './server.ts'

let root: string
let desk: Desk
let web: WebHost
let cookie: string

interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: web.port, path, method, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end()
  })
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kho-lab-web-'))
  await mkdir(join(root, 'page/assets'), { recursive: true })
  await writeFile(join(root, 'page/index.html'), '<title>page</title>')
  await writeFile(join(root, 'page/assets/a.js'), 'let a = 1\n'.repeat(500))
  await writeFile(join(root, 'secret.html'), 'secret')
  desk = createDesk(fixtureDependencies({ pace: 1 }))
  web = await startWebHost({ desk, directory: join(root, 'page') })
  const entered = await get(new URL(web.url).pathname + new URL(web.url).search)
  cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
})
afterAll(async () => {
  await web.close()
  await desk.dispose()
  await rm(root, { recursive: true })
})

describe('who gets in', () => {
  it('takes the token once, as a cookie that no script sees, and leaves it out of the address', async () => {
    const { pathname, search } = new URL(web.url)
    const reply = await get(pathname + search)
    expect(reply.status).toBe(303)
    expect(reply.headers.location).toBe('/')
    expect(String(reply.headers['set-cookie'])).toMatch(/^kho-lab-\d+=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict$/)
    expect((await get('/', { cookie })).body).toBe('<title>page</title>')
  })

  it.each([
    ['no token', '/', {}],
    ['a wrong token', '/?token=AAAA', {}],
    ['a wrong cookie', '/', { cookie: 'kho-lab-1=AAAA' }],
  ])('says what to do without it: %s', async (_case, path, headers) => {
    const reply = await get(path, headers)
    expect(reply.status).toBe(401)
    expect(reply.body).toContain('Open the whole line that "kho-lab serve" printed')
  })

  it.each([
    ['evil.example', undefined],
    ['evil.example:80', undefined],
    ['127.0.0.1.evil.example', undefined],
    ['127.0.0.1', 'http://evil.example'],
    ['127.0.0.1', 'null'],
  ])('refuses Host %s with Origin %s, token or not', async (host, origin) => {
    expect((await get('/', { cookie, host, ...(origin === undefined ? {} : { origin }) })).status).toBe(403)
  })

  it('takes the port of a tunnel', async () => {
    expect((await get('/', { cookie, host: 'localhost:9999' })).status).toBe(200)
  })

  it('answers GET only', async () => {
    expect((await get('/', { cookie }, 'POST')).status).toBe(405)
  })
})

it('sends its security headers with every answer', async () => {
  for (const reply of [await get('/', { cookie }), await get('/'), await get('/none', { cookie })]) {
    expect(reply.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/)
    expect(reply.headers['x-content-type-options']).toBe('nosniff')
    expect(reply.headers['x-frame-options']).toBe('DENY')
    expect(reply.headers['referrer-policy']).toBe('no-referrer')
  }
})

it('serves the built page and nothing else', async () => {
  const script = await get('/assets/a.js', { cookie })
  expect([script.status, script.headers['content-type'], script.body.length]).toEqual([
    200,
    'text/javascript; charset=utf-8',
    5000,
  ])
  expect((await get('/assets/a.js', { cookie, 'accept-encoding': 'gzip' })).headers['content-encoding']).toBe('gzip')
  for (const path of [
    '/../secret.html',
    '/..%2fsecret.html',
    '/assets/../../secret.html',
    '/%2e%2e/secret.html',
    '//etc/passwd',
    '/assets/',
    '/constructor',
  ]) {
    const reply = await rawGet(path)
    expect([path, /HTTP\/1.1 (\d+)/.exec(reply)?.[1], reply.includes('secret\n')]).toEqual([path, '404', false])
  }
})

/** A request line as it is given: clients tidy paths up before they send them. */
function rawGet(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(web.port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`),
    )
    let text = ''
    socket.on('data', (data) => {
      text += String(data)
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

describe('the WebSocket', () => {
  const open = (headers: Record<string, string>, path = '/lab'): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${web.port}${path}`, { headers })
  const refused = (socket: WebSocket): Promise<string> =>
    new Promise((resolve) => {
      socket.on('open', () => {
        socket.close()
        resolve('opened')
      })
      socket.on('error', (error) => resolve(error.message))
    })

  it.each([
    ['no cookie', () => ({ origin: `http://127.0.0.1:${web.port}` }), '/lab'],
    ['no origin', () => ({ cookie }), '/lab'],
    ['another origin', () => ({ cookie, origin: 'http://evil.example' }), '/lab'],
    ['another port of this machine', () => ({ cookie, origin: 'http://127.0.0.1:1' }), '/lab'],
    ['another path', () => ({ cookie, origin: `http://127.0.0.1:${web.port}` }), '/else'],
  ])('is refused with %s', async (_case, headers, path) => {
    expect(await refused(open(headers(), path))).toBe('Unexpected server response: 403')
  })

  const admitted = (): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      const socket = open({ cookie, origin: `http://127.0.0.1:${web.port}` })
      socket.on('open', () => resolve(socket))
      socket.on('error', reject)
    })
  const ask = (socket: WebSocket, request: unknown): Promise<WireMessage> =>
    new Promise((resolve) => {
      socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString()) as WireMessage))
      socket.send(JSON.stringify(request))
    })

  it('answers what the contract has, refuses the rest, and goes on', async () => {
    const socket = await admitted()
    expect(await ask(socket, { id: 1, name: 'lab:info', input: {} })).toEqual({
      id: 1,
      ok: true,
      value: { version: '0.1.0', building: false, host: 'browser', firstRun: true },
    })
    expect(await ask(socket, { id: 2, name: 'constructor', input: {} })).toMatchObject({
      id: 2,
      ok: false,
      error: { code: 'refused' },
    })
    expect(await ask(socket, { id: 3, name: 'run:cancel', input: { id: 7 } })).toMatchObject({
      id: 3,
      ok: false,
      error: { code: 'refused' },
    })
    socket.terminate()
  })

  it.each(['not json', '[]', '{"id":-1,"name":"lab:info","input":{}}', '{"id":1,"name":"lab:info","input":{},"more":1}'])(
    'closes on what is no request: %s',
    async (text) => {
      const socket = await admitted()
      const code = new Promise((resolve) => socket.on('close', resolve))
      socket.send(text)
      expect(await code).toBe(1008)
    },
  )
})

it('prints one line that says where and how from afar', () => {
  const line = webHostLine(web)
  expect(line).toContain(web.url)
  expect(line).toContain(`ssh -N -L ${web.port}:127.0.0.1:${web.port}`)
  expect(line).not.toContain('\n')
})
