import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { LabError, messageOf } from '../../shared/result.ts'

/** QEMU's longest ordinary answer (`info mtree -f` of a big machine) is far below this; a longer line is no QMP. */
const LINE_LIMIT = 16 * 1024 * 1024
const COMMAND_TIMEOUT_MS = 10_000

export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface QmpVersion {
  /** major.minor.micro */
  readonly version: string
  /** The distribution's package, possibly empty. */
  readonly package: string
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: LabError) => void
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * One QMP monitor on a connected socket. Emits `event` (QmpEvent) and `close` (why).
 * What the peer sends is checked: text that is no JSON, or a line without end, closes the monitor with an error.
 */
export class QmpClient extends EventEmitter<{ event: [QmpEvent]; close: [LabError] }> {
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  #chunks: Buffer[] = []
  #buffered = 0
  #nextId = 1
  #greeted: ((version: QmpVersion) => void) | undefined
  #closed: LabError | undefined

  private constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#close(broken(`the monitor connection failed: ${error.message}`)))
    socket.on('close', () => this.#close(broken('QEMU closed its monitor')))
  }

  /** Waits for the greeting and enters command mode. Rejects with LabError internal when that does not come in time: the caller knows more. */
  static async open(socket: Socket, timeoutMs = COMMAND_TIMEOUT_MS): Promise<{ client: QmpClient; version: QmpVersion }> {
    const client = new QmpClient(socket)
    const version = await client.#greeting(timeoutMs)
    await client.execute('qmp_capabilities', {}, timeoutMs)
    return { client, version }
  }

  /** One command. Rejects with LabError internal on a QMP error or when no answer came in `timeoutMs`. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}, timeoutMs = COMMAND_TIMEOUT_MS): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => {
      this.#pending.delete(id)
      reject(broken(`QEMU did not answer ${command} within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#pending.set(id, {
      resolve: (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      reject: (error) => {
        clearTimeout(timer)
        reject(error)
      },
    })
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return promise
  }

  /** One command of the human monitor: text in, text out, with plain line ends. */
  async human(commandLine: string): Promise<string> {
    const answer = await this.execute('human-monitor-command', { 'command-line': commandLine })
    if (typeof answer !== 'string') throw broken(`QEMU answered "${commandLine}" with no text`)
    return answer.replaceAll('\r\n', '\n')
  }

  close(): void {
    this.#socket.destroy()
  }

  #greeting(timeoutMs: number): Promise<QmpVersion> {
    const { promise, resolve, reject } = Promise.withResolvers<QmpVersion>()
    const timer = setTimeout(() => this.#close(broken(`no greeting from QEMU's monitor within ${timeoutMs} ms`)), timeoutMs)
    const closed = (error: LabError): void => {
      clearTimeout(timer)
      reject(error)
    }
    this.once('close', closed)
    this.#greeted = (version) => {
      clearTimeout(timer)
      this.off('close', closed)
      resolve(version)
    }
    return promise
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)])
      this.#chunks = []
      this.#buffered = 0
      rest = rest.subarray(end + 1)
      this.#line(line.toString('utf8').trim())
    }
    if (rest.length === 0) return
    this.#chunks.push(rest)
    this.#buffered += rest.length
    if (this.#buffered > LINE_LIMIT) this.#close(broken(`QEMU's monitor sent a line of more than ${LINE_LIMIT} bytes`))
  }

  #line(text: string): void {
    if (text === '' || this.#closed) return
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch (error) {
      this.#close(broken(`QEMU's monitor sent no JSON (${messageOf(error)})`, [text.slice(0, 200)]))
      return
    }
    if (isRecord(message)) this.#message(message)
  }

  #message(message: Readonly<Record<string, unknown>>): void {
    if ('QMP' in message) {
      this.#greeted?.(versionOf(message['QMP']))
      this.#greeted = undefined
    } else if (typeof message['event'] === 'string') {
      this.emit('event', { event: message['event'], data: isRecord(message['data']) ? message['data'] : {} })
    } else if (typeof message['id'] === 'number') {
      this.#answer(message['id'], message)
    }
  }

  #answer(id: number, message: Readonly<Record<string, unknown>>): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    this.#pending.delete(id)
    if ('return' in message) {
      pending.resolve(message['return'])
      return
    }
    const description = isRecord(message['error']) ? message['error']['desc'] : undefined
    pending.reject(broken(`QEMU refused a command: ${typeof description === 'string' ? description : 'no reason given'}`))
  }

  #close(error: LabError): void {
    if (this.#closed) return
    this.#closed = error
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
    this.#chunks = []
    this.#socket.destroy()
    this.emit('close', error)
  }
}

const broken = (message: string, evidence: readonly string[] = []): LabError =>
  new LabError({ code: 'internal', message, evidence })

function versionOf(greeting: unknown): QmpVersion {
  const version = isRecord(greeting) && isRecord(greeting['version']) ? greeting['version'] : {}
  const qemu = isRecord(version['qemu']) ? version['qemu'] : {}
  const packageName = version['package']
  return {
    version: [qemu['major'], qemu['minor'], qemu['micro']].map((part) => (typeof part === 'number' ? part : '?')).join('.'),
    package: typeof packageName === 'string' ? packageName : '',
  }
}
