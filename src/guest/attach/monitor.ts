import { type Socket, connect } from 'node:net'
import { LabError, messageOf } from '../../shared/result.ts'
import { QmpClient, type QmpVersion } from '../qemu/qmp.ts'
import type { FoundQemu } from './discover.ts'

export type MonitorAddress = FoundQemu['monitors'][number]

/** QEMU greets at once, or not at all: a monitor serves one client, and a second connection only waits in the queue. */
const GREETING_MS = 1500

/**
 * A QMP monitor of a machine that is not the lab's. Only what changes nothing passes: query-*, two words of the human
 * monitor, and pmemsave, which copies guest memory into a file.
 */
export class ReadingMonitor {
  readonly version: QmpVersion
  readonly #client: QmpClient

  private constructor(client: QmpClient, version: QmpVersion) {
    this.#client = client
    this.version = version
  }

  /** Rejects within 3 s with LabError monitor-busy, or monitor-unreachable. */
  static async open(address: MonitorAddress): Promise<ReadingMonitor> {
    const socket = await connected(address)
    try {
      const { client, version } = await QmpClient.open(socket, GREETING_MS)
      return new ReadingMonitor(client, version)
    } catch (error) {
      socket.destroy()
      throw new LabError(
        {
          code: 'monitor-busy',
          message: `the monitor ${addressText(address)} does not answer: another client has it, as it serves one at a time`,
          hint: 'End the other client, or name the machine by its process alone (--pid): RAM is then read through /proc.',
          evidence: [messageOf(error)],
        },
        { cause: error },
      )
    }
  }

  /** Rejects with LabError refused for anything that could change the machine. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (!mayPass(command, args))
      throw new LabError({ code: 'refused', message: `${command} could change a machine that the lab did not start` })
    return await this.#client.execute(command, args)
  }

  async human(commandLine: string): Promise<string> {
    const answer = await this.execute('human-monitor-command', { 'command-line': commandLine })
    return typeof answer === 'string' ? answer.replaceAll('\r\n', '\n') : ''
  }

  close(): void {
    this.#client.close()
  }
}

function mayPass(command: string, args: Readonly<Record<string, unknown>>): boolean {
  if (/^query-[a-z0-9-]+$/.test(command) || command === 'pmemsave') return true
  const line = args['command-line']
  return command === 'human-monitor-command' && typeof line === 'string' && /^(info mtree -f|gpa2hva 0x[0-9a-f]+)$/.test(line)
}

async function connected(address: MonitorAddress): Promise<Socket> {
  const socket = 'path' in address ? connect(address.path) : connect(address.port, address.host)
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => reject(new Error(`no connection within ${GREETING_MS} ms`)), GREETING_MS)
  socket.once('connect', () => resolve(undefined))
  socket.once('error', reject)
  try {
    await promise
    return socket
  } catch (error) {
    socket.destroy()
    throw new LabError(
      {
        code: 'monitor-unreachable',
        message: `cannot connect to the monitor ${addressText(address)}: ${messageOf(error)}`,
        hint: 'Name a QMP socket that QEMU listens on: -qmp unix:PATH,server=on,wait=off.',
      },
      { cause: error },
    )
  } finally {
    clearTimeout(timer)
  }
}

export const addressText = (address: MonitorAddress): string =>
  'path' in address ? address.path : `${address.host}:${address.port}`
