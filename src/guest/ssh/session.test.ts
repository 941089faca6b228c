import { getCiphers, getHashes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Connection, Server, type ServerChannel, utils } from 'ssh2'
import { ALGORITHMS, type SshKeys, SshSession, quoted } from './session.ts'

const host = utils.generateKeyPairSync('ed25519')
const client = utils.generateKeyPairSync('ed25519')
const publicBlob = (text: string): Buffer => Buffer.from(text.split(' ')[1] ?? '', 'base64')
const keys: SshKeys = { clientPrivateKey: client.private, hostPublicKey: publicBlob(host.public) }

/** Typed, which vitest's own is not. */
const containing = (part: string): unknown => expect.stringContaining(part)

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** A real ssh server in this process; `run` stands for the guest's shell. */
async function server(run: (command: string, channel: ServerChannel, connection: Connection) => void): Promise<number> {
  const listening = new Server({ hostKeys: [host.private] }, (connection) => {
    connection.on('error', () => connection.end())
    connection.on('authentication', (request) => {
      const known = request.method === 'publickey' && request.key.data.equals(publicBlob(client.public))
      if (known) request.accept()
      else request.reject(['publickey'])
    })
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => run(command, acceptExec(), connection))
    })
    closers.push(() => connection.end())
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  closers.push(() => listening.close())
  return (listening.address() as AddressInfo).port
}

async function session(run: Parameters<typeof server>[0]): Promise<SshSession> {
  const opened = await SshSession.connect(await server(run), keys, 5000)
  closers.push(() => opened.close())
  return opened
}

describe('SshSession', () => {
  it('gives back bytes, errors and exit code, and sends stdin whole', async () => {
    const opened = await session((command, channel) => {
      let size = 0
      channel.on('data', (chunk: Buffer) => {
        size += chunk.length
      })
      channel.on('end', () => {
        channel.stderr.write(`ran ${command}`)
        channel.write(Buffer.from([0, 255, 10]))
        channel.write(`${size}`)
        channel.exit(7)
        channel.end()
      })
    })
    const result = await opened.exec('a command', { stdin: Buffer.alloc(3_000_000) })
    expect(result).toEqual({
      code: 7,
      stdout: Buffer.concat([Buffer.from([0, 255, 10]), Buffer.from('3000000')]),
      stderr: 'ran a command',
    })
  })

  it('runs commands side by side', async () => {
    const waiting: (() => void)[] = []
    const opened = await session((command, channel) => {
      waiting.push(() => {
        channel.write(command)
        channel.exit(0)
        channel.end()
      })
      if (waiting.length === 2) waiting.reverse().forEach((finish) => finish())
    })
    const [a, b] = await Promise.all([opened.exec('a'), opened.exec('b')])
    expect([a.stdout.toString(), b.stdout.toString()]).toEqual(['a', 'b'])
  })

  it('fails a command when the connection goes, and every later one', async () => {
    const opened = await session((_command, _channel, connection) => void connection.end())
    await expect(opened.exec('x')).rejects.toMatchObject({ code: 'ssh-failed', message: containing('is lost') })
    await expect(opened.exec('y')).rejects.toMatchObject({ code: 'ssh-failed' })
    expect(await opened.lost).toMatchObject({ code: 'ssh-failed' })
  })

  it('gives up a command that takes too long, or is cancelled', async () => {
    const opened = await session(() => undefined)
    await expect(opened.exec('sleep', { timeoutMs: 30 })).rejects.toMatchObject({
      message: 'the guest did not finish `sleep` within 30 ms',
    })
    await expect(opened.exec('sleep', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
    const controller = new AbortController()
    const running = opened.exec('sleep', { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('does not take a command without exit status for one that succeeded', async () => {
    const opened = await session((_command, channel) => void channel.end())
    await expect(opened.exec('x')).rejects.toMatchObject({ message: 'the guest ended a command without an exit status' })
  })

  it('talks to no other host key, and needs its own key to be known', async () => {
    const port = await server(() => undefined)
    const other = utils.generateKeyPairSync('ed25519')
    await expect(SshSession.connect(port, { ...keys, hostPublicKey: publicBlob(other.public) }, 5000)).rejects.toMatchObject({
      message: containing('another host key'),
    })
    await expect(SshSession.connect(port, { ...keys, clientPrivateKey: other.private }, 5000)).rejects.toMatchObject({
      message: containing('does not let the lab in'),
    })
  })

  it('does not wait for ever for a port that accepts and says nothing', async () => {
    const mute = createServer().listen(0, '127.0.0.1')
    closers.push(() => mute.close())
    await new Promise((resolve) => mute.once('listening', resolve))
    await expect(SshSession.connect((mute.address() as AddressInfo).port, keys, 50)).rejects.toMatchObject({ code: 'ssh-failed' })
  })
})

describe('ALGORITHMS', () => {
  it('are there in this runtime, and none is one that Electron lacks', () => {
    for (const cipher of ALGORITHMS.cipher)
      expect(getCiphers()).toContain(cipher.replace('aes128-ctr', 'aes-128-ctr').replace('aes256-ctr', 'aes-256-ctr'))
    expect(getHashes()).toContain('sha256')
    expect(ALGORITHMS.cipher.some((name) => name.includes('chacha20'))).toBe(false)
  })
})

describe('quoted', () => {
  it('survives the shell', () => {
    expect(quoted("it's $HOME")).toBe("'it'\\''s $HOME'")
  })
})
