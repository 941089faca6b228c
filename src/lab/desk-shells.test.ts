import { describe, expect, it, vi } from 'vitest'
import type { EventPayload, RunEvent } from '../shared/contract.ts'
import type { ShellListener } from '../guest/ssh/shell.ts'
import { DeskShells } from './desk-shells.ts'
import { createDesk } from './desk.ts'
import { fixtureDependencies } from './desk.fixture.ts'
import { RunHandle, type RunControls } from './run/controls.ts'

const SIZE = { columns: 80, rows: 24 }

function guest(): { controls: RunControls; listeners: ShellListener[]; flow: boolean[] } {
  const listeners: ShellListener[] = []
  const flow: boolean[] = []
  const controls: RunControls = {
    proceed: () => false,
    pause: async () => undefined,
    vitals: () => Promise.reject(new Error('not asked here')),
    shell: async (_size, listener) => {
      listeners.push(listener)
      listener.onText('# ')
      return { write: listener.onText, resize: () => undefined, flow: (open) => flow.push(open), close: () => undefined }
    },
  }
  return { controls, listeners, flow }
}

describe('shells', () => {
  it('carry what is typed and printed, keep the tail, and say when they end', async () => {
    const data: EventPayload<'shell:data'>[] = []
    const closed: EventPayload<'shell:closed'>[] = []
    const shells = new DeskShells({ data: (payload) => data.push(payload), closed: (payload) => closed.push(payload) })
    const { controls, listeners } = guest()
    const { shell } = await shells.open('run', controls, SIZE)
    shells.write(shell, 'ls\r')
    await vi.waitFor(() => expect(data.map(({ text }) => text).join('')).toBe('# ls\r'))
    expect(shells.list('run')).toEqual([{ shell, tail: '# ls\r' }])
    expect(shells.list('another run')).toEqual([])
    listeners[0]?.onClosed('its boot ended')
    expect(closed).toEqual([{ shell, reason: 'its boot ended' }])
    expect(() => shells.write(shell, 'x')).toThrow('this shell is closed')
  })

  it('make a guest that floods them wait instead of filling the memory of the lab', async () => {
    const data: EventPayload<'shell:data'>[] = []
    const shells = new DeskShells({ data: (payload) => data.push(payload), closed: () => undefined })
    const { controls, listeners, flow } = guest()
    const { shell } = await shells.open('run', controls, SIZE)
    listeners[0]?.onText('x'.repeat(300_000))
    expect(flow).toEqual([false])
    await vi.waitFor(() => expect(flow).toEqual([false, true]))
    expect(shells.list('run')[0]?.tail.length).toBe(64 * 1024)
    shells.close(shell)
  })

  it('are bounded in number', async () => {
    const shells = new DeskShells({ data: () => undefined, closed: () => undefined })
    const { controls } = guest()
    for (let count = 0; count < 16; count++) await shells.open('run', controls, SIZE)
    await expect(shells.open('run', controls, SIZE)).rejects.toMatchObject({ code: 'refused' })
  })

  it('are refused for a run that does not go on here', async () => {
    const desk = createDesk(fixtureDependencies())
    await expect(desk.handle('shell:open', { id: '20261101-090000-earlier', ...SIZE })).rejects.toMatchObject({ code: 'refused' })
    await desk.dispose(100)
  })
})

describe('a run that goes on', () => {
  it('can be acted on until it is over', async () => {
    const desk = createDesk(fixtureDependencies({ pace: 300 }))
    const { id } = (await desk.handle('run:start', { yaml: 'name: x' })) as { id: string }
    expect(await desk.handle('run:vitals', { id })).toMatchObject({ status: 'running', pid: 4242 })
    const { shell } = (await desk.handle('shell:open', { id, ...SIZE })) as { shell: number }
    expect(await desk.handle('shell:list', { id })).toEqual([{ shell, tail: 'fixture # ' }])
    await desk.handle('run:cancel', { id })
    await vi.waitFor(() => expect(desk.handle('run:vitals', { id })).rejects.toMatchObject({ code: 'refused' }))
    await desk.dispose(1000)
  })
})

describe('a run that is held', () => {
  it('waits after each boot until it is let go', async () => {
    const told: RunEvent[] = []
    const handle = new RunHandle(true, new AbortController().signal, (event) => told.push(event))
    let over = false
    const held = handle.hold(0, false).then(() => {
      over = true
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(over).toBe(false)
    expect([handle.proceed(), told[0]]).toEqual([true, { type: 'held', hop: 0, next: 'hop' }])
    await held
    expect(handle.proceed()).toBe(false)
  })

  it('ends when it is cancelled, and is not held when nobody asked for it', async () => {
    const abort = new AbortController()
    const held = new RunHandle(true, abort.signal, () => undefined).hold(1, true)
    abort.abort(new Error('cancelled'))
    await expect(held).rejects.toThrow('cancelled')
    await new RunHandle(false, abort.signal, () => undefined).hold(0, false)
  })

  it('is paused only while it is held: elsewhere time is measured', async () => {
    const handle = new RunHandle(true, new AbortController().signal, () => undefined)
    await expect(handle.pause(true)).rejects.toMatchObject({ code: 'refused' })
  })
})
