import { expect, it } from 'vitest'
import { fixtureScript } from '../../lab/desk-run.fixture.ts'
import { after, EMPTY_RUN, phaseDurations, waitingFor, type RunState } from './run-state.ts'

const states = (): RunState[] =>
  fixtureScript.reduce<RunState[]>((all, event) => [...all, after(all.at(-1) ?? EMPTY_RUN, event)], [])

it('says at each moment what the run waits for', () => {
  expect([EMPTY_RUN, ...states()].map(waitingFor)).toMatchInlineSnapshot(`
    [
      "predicting",
      "starting the machine",
      "starting the machine",
      "starting QEMU",
      "starting QEMU",
      "first boot: waiting for kernel",
      "first boot: waiting for init",
      "first boot: waiting for ssh",
      "first boot: waiting for debugfs",
      "first boot: starting QEMU",
      "hop 1: kexec -e",
      "hop 1: waiting for init",
      "hop 1: waiting for init",
    ]
  `)
})

it('gives each phase its own time, also where one before it was not seen', () => {
  expect(states().at(-1)?.hops.map(phaseDurations)).toEqual([
    { firmware: 210, kernel: 430, init: 1060, ssh: 220, debugfs: 190 },
    { kernel: 520 },
  ])
})

it('ends with what ended it', () => {
  expect(states().at(-1)?.end?.kind).toBe('finished')
  expect(after(EMPTY_RUN, { type: 'failed', error: { code: 'guest-panicked', message: 'the guest panicked' } }).end).toEqual({
    kind: 'failed',
    problem: { code: 'guest-panicked', message: 'the guest panicked' },
    directory: undefined,
  })
})
