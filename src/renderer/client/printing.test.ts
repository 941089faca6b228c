import { expect, it } from 'vitest'
import type { LabClient } from '../../shared/contract.ts'
import { printing, shown } from './printing.ts'

const EVIL = 'a\u001b[2J\u009b1m\u202e\u0000\ud800\nb'
const HARMLESS = 'a\\x1b[2J\\x9b1m\\u202e\\x00\ufffd\nb'

it('shows what does not print, in values and keys, at any depth', () => {
  expect(shown({ [EVIL]: [{ a: EVIL }, EVIL], n: [1, 2], none: null })).toEqual({
    [HARMLESS]: [{ a: HARMLESS }, HARMLESS],
    n: [1, 2],
    none: null,
  })
})

it('leaves what needs no change the same value', () => {
  const plain = { a: ['x', { b: 'é 字 \n\t' }], c: 1 }
  expect(shown(plain)).toBe(plain)
})

it('leaves serial output, shells and editors alone, and nothing else', async () => {
  const listeners = new Map<string, (payload: never) => void>()
  const client = printing({
    invoke: (name: string) =>
      name === 'run:list'
        ? Promise.reject(Object.assign(new Error(EVIL), { code: 'internal', evidence: [EVIL] }))
        : Promise.resolve([
            { type: 'serial', text: EVIL },
            { type: 'step', hop: 0, text: EVIL },
          ]),
    on: (name: string, listener: (payload: never) => void) => {
      listeners.set(name, listener)
      return () => undefined
    },
  } as unknown as LabClient)
  const got: unknown[] = []
  client.on('shell:data', ({ text }) => got.push(text))
  client.on('run:event', ({ event }) => got.push(event))
  listeners.get('shell:data')?.({ shell: 1, text: EVIL } as never)
  listeners.get('run:event')?.({ id: 'x', event: { type: 'serial', text: EVIL } } as never)
  listeners.get('run:event')?.({ id: 'x', event: { type: 'qemu', event: EVIL, data: '{}' } } as never)
  expect(got).toEqual([EVIL, { type: 'serial', text: EVIL }, { type: 'qemu', event: HARMLESS, data: '{}' }])
  expect(await client.invoke('run:events', { id: '20260101-000000-x' })).toEqual([
    { type: 'serial', text: EVIL },
    { type: 'step', hop: 0, text: HARMLESS },
  ])
  await expect(client.invoke('run:list', {})).rejects.toMatchObject({ message: HARMLESS, evidence: [HARMLESS] })
})
