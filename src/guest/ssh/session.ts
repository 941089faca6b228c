import { timingSafeEqual } from 'node:crypto'
import { createConnection } from 'node:net'
import { Client, type ClientChannel, type ConnectConfig } from 'ssh2'
import { LabError, messageOf, toLabError } from '../../shared/result.ts'
import type { CommandResult } from '../types.ts'
import { openShell, type GuestShell, type ShellListener, type ShellSize } from './shell.ts'

/** What the lab and the guest know each other by; made new for every run. */
export interface SshKeys {
  /** OpenSSH private key. */
  readonly clientPrivateKey: string
  /** The guest's host key as it goes over the wire. No other is accepted. */
  readonly hostPublicKey: Uint8Array
}

/**
 * The one list for every host of the lab: what dropbear 2022.83 offers and both OpenSSL (Node) and BoringSSL (Electron)
 * have. BoringSSL has no chacha20, and dropbear no GCM.
 */
export const ALGORITHMS = {
  kex: ['curve25519-sha256@libssh.org'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256'],
  compress: ['none'],
} as const satisfies Readonly<Record<string, readonly string[]>>

const OUTPUT_LIMIT = 256 * 1024 * 1024
const COMMAND_TIMEOUT_MS = 60_000

export interface ExecOptions {
  readonly stdin?: Uint8Array
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** One ssh connection to one boot of the guest. It is lost when that boot ends; that is no failure by itself. */
export class SshSession {
  readonly #client: Client
  readonly #lost = Promise.withResolvers<LabError>()

  private constructor(client: Client) {
    this.#client = client
    client.on('error', (error) => this.#lost.resolve(lost(error.message)))
    client.on('close', () => this.#lost.resolve(lost('closed by the guest')))
  }

  /** Resolves, never rejects, when the connection has ended. */
  get lost(): Promise<LabError> {
    return this.#lost.promise
  }

  /**
   * Connects to 127.0.0.1:port as root. Only to be called when the guest has said that its port accepts connections: the
   * forwarding accepts before the guest does. Rejects with LabError ssh-failed.
   */
  static async connect(port: number, keys: SshKeys, timeoutMs: number): Promise<SshSession> {
    const client = new Client()
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    let strangeKey = false
    // Without it Nagle and delayed acknowledgement cost 50 ms and more per exchange, those of the handshake included.
    const sock = createConnection({ host: '127.0.0.1', port, noDelay: true })
    const config: ConnectConfig = {
      sock,
      username: 'root',
      // The one method that the guest takes, so that none is tried in vain.
      authHandler: ['publickey'],
      privateKey: keys.clientPrivateKey,
      algorithms: mutable(ALGORITHMS),
      hostVerifier: (key: Buffer) => {
        strangeKey = !sameBytes(key, keys.hostPublicKey)
        return !strangeKey
      },
      readyTimeout: timeoutMs,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
    }
    client.once('ready', () => resolve(undefined))
    client.once('error', (error) => reject(strangeKey ? wrongHost() : noAnswer(error)))
    client.once('close', () => reject(noAnswer(new Error('the connection was closed'))))
    const session = new SshSession(client)
    client.connect(config)
    try {
      await promise
    } catch (error) {
      client.destroy()
      throw error
    }
    return session
  }

  /** Runs a command line. Rejects with LabError ssh-failed when the connection is lost or `timeoutMs` (default 60 s) passes, cancelled on abort. */
  async exec(command: string, options: ExecOptions = {}): Promise<CommandResult> {
    const { timeoutMs = COMMAND_TIMEOUT_MS, signal } = options
    const stop = Promise.withResolvers<never>()
    const abort = (): void => stop.reject(toLabError(signal?.reason))
    if (signal?.aborted) throw toLabError(signal.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const timer = setTimeout(
      () => stop.reject(failed(`the guest did not finish \`${shown(command)}\` within ${timeoutMs} ms`)),
      timeoutMs,
    )
    const running = this.#start(command, options.stdin)
    try {
      const lostFirst = this.#lost.promise.then((error) => {
        throw error
      })
      return await Promise.race([stop.promise, lostFirst, running.result])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      running.close()
    }
  }

  /** An interactive shell; it ends with the connection. Rejects with LabError ssh-failed. */
  shell(size: ShellSize, listener: ShellListener): Promise<GuestShell> {
    return openShell(this.#client, size, listener)
  }

  close(): void {
    this.#client.destroy()
  }

  /** The channel is listened to in the very callback that brings it: a fast command's exit status follows in the same packet. */
  #start(command: string, stdin: Uint8Array | undefined): { result: Promise<CommandResult>; close: () => void } {
    let channel: ClientChannel | undefined
    const result = new Promise<CommandResult>((resolve, reject) => {
      this.#client.exec(command, (error, opened) => {
        if (error) {
          reject(lost(error.message))
          return
        }
        channel = opened
        resolve(run(opened, stdin))
      })
    }).catch((error: unknown) => {
      throw error instanceof LabError ? error : lost(messageOf(error))
    })
    return { result, close: () => channel?.close() }
  }
}

/** Collects what a channel says until it closes. */
function run(channel: ClientChannel, stdin: Uint8Array | undefined): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = []
    const err: Buffer[] = []
    let size = 0
    const collect =
      (into: Buffer[]) =>
      (chunk: Buffer): void => {
        size += chunk.length
        if (size > OUTPUT_LIMIT) reject(failed(`a command printed more than ${OUTPUT_LIMIT} bytes`))
        else into.push(chunk)
      }
    let code: number | undefined
    let signalName: string | undefined
    channel.on('data', collect(out))
    channel.stderr.on('data', collect(err))
    channel.on('exit', (status: number | null, name?: string) => {
      code = status ?? undefined
      signalName = name
    })
    channel.on('close', () => {
      if (code === undefined && signalName === undefined) reject(failed('the guest ended a command without an exit status'))
      else resolve({ code: code ?? 128, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') })
    })
    channel.on('error', (error: Error) => reject(failed(error.message)))
    channel.end(stdin)
  })
}

/** A word for the guest's shell, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const mutable = (lists: typeof ALGORITHMS): ConnectConfig['algorithms'] => ({
  kex: [...lists.kex],
  serverHostKey: [...lists.serverHostKey],
  cipher: [...lists.cipher],
  hmac: [...lists.hmac],
  compress: [...lists.compress],
})

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
const shown = (command: string): string => (command.length > 60 ? `${command.slice(0, 57)}...` : command)
const failed = (message: string): LabError => new LabError({ code: 'ssh-failed', message })
const lost = (why: string): LabError => failed(`the ssh connection to the guest is lost: ${why}`)
const noAnswer = (error: Error): LabError =>
  new LabError({ code: 'ssh-failed', message: `the guest's ssh does not let the lab in: ${error.message}` }, { cause: error })
const wrongHost = (): LabError =>
  new LabError({ code: 'ssh-failed', message: "what answers on the guest's ssh port has another host key than this run's guest" })
