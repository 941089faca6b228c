import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReadingMonitor } from './monitor.ts'

let directory: string
let path: string
let server: Server
const asked: string[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kho-lab-monitor-'))
  path = join(directory, 'q')
  asked.length = 0
})
afterEach(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

const GREETING = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: '' }, capabilities: [] } }

/** Answers as QEMU does: a greeting, then an empty return per command. */
const listen = (greets: boolean): Promise<void> => {
  server = createServer((socket) => {
    if (greets) socket.write(`${JSON.stringify(GREETING)}\n`)
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id: number }
        asked.push(execute)
        socket.write(`${JSON.stringify({ return: {}, id })}\n`)
      }
    })
    socket.on('error', () => socket.destroy())
  })
  return new Promise((resolve) => void server.listen(path, resolve))
}

describe('ReadingMonitor', () => {
  it('lets through what changes nothing, and nothing else', async () => {
    await listen(true)
    const monitor = await ReadingMonitor.open({ path })
    for (const command of ['query-status', 'query-memdev']) await monitor.execute(command)
    await monitor.human('info mtree -f')
    await monitor.human('gpa2hva 0x1000')
    const refused: [string, Record<string, unknown>?][] = [
      ['stop'],
      ['cont'],
      ['quit'],
      ['system_reset'],
      ['query-x; quit'],
      ['human-monitor-command', { 'command-line': 'quit' }],
      ['human-monitor-command', { 'command-line': 'info mtree -f\nquit' }],
      ['human-monitor-command', { 'command-line': 'gpa2hva 0x1; system_reset' }],
      ['human-monitor-command', {}],
    ]
    for (const [command, args] of refused) await expect(monitor.execute(command, args)).rejects.toMatchObject({ code: 'refused' })
    expect(asked).toEqual(['qmp_capabilities', 'query-status', 'query-memdev', 'human-monitor-command', 'human-monitor-command'])
    monitor.close()
  })

  it('says within 3 seconds that a monitor is taken', async () => {
    await listen(false)
    const began = performance.now()
    await expect(ReadingMonitor.open({ path })).rejects.toMatchObject({ code: 'monitor-busy' })
    expect(performance.now() - began).toBeLessThan(3000)
  })

  it('says that there is none', async () => {
    await listen(false)
    await expect(ReadingMonitor.open({ path: join(directory, 'none') })).rejects.toMatchObject({
      code: 'monitor-unreachable',
      message: expect.stringContaining('ENOENT') as unknown,
    })
  })
})
