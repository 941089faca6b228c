import { expect, it } from 'vitest'
import { RunEvents } from '../../shared/documents/index.ts'
import { EventLog } from './event-log.ts'

it('keeps steps and QEMU events with their time, and tells both of it', () => {
  let now = 5000
  const log = new EventLog(() => now)
  now += 12.4
  expect(log.stamped({ type: 'step', hop: 0, text: 'starting' })).toEqual({ type: 'step', hop: 0, text: 'starting', at: 12 })
  expect(log.stamped({ type: 'serial', text: 'x' })).toEqual({ type: 'serial', text: 'x' })
  now += 100
  log.stamped({ type: 'phase', hop: 0, phase: 'firmware', ms: 90 })
  log.stamped({ type: 'qemu', event: 'RESUME', data: '{}' })
  expect(RunEvents.parse(log.document())).toEqual({
    document: 'kho-lab/run-events',
    version: 1,
    events: [
      { type: 'step', at: 12, hop: 0, text: 'starting' },
      { type: 'phase', at: 112, hop: 0, phase: 'firmware', ms: 90 },
      { type: 'qemu', at: 112, event: 'RESUME', data: '{}' },
    ],
    leftOut: 0,
  })
})

it('is bounded: of very many the first and the last stay', () => {
  const log = new EventLog(() => 0)
  for (let hop = 0; hop < 10_000; hop++) log.stamped({ type: 'step', hop, text: 'x'.repeat(10_000) })
  const { events, leftOut } = log.document()
  expect([events.length, leftOut, events[0], events.at(-1)]).toMatchObject([2000, 8000, { hop: 0 }, { hop: 9999 }])
  expect(events[1000]).toMatchObject({ hop: 9000, text: 'x'.repeat(2000) })
})
