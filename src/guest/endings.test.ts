import { describe, expect, it } from 'vitest'
import { type Ending, explainEnding } from './endings.ts'

const ending: Ending = {
  exit: { code: 0, signal: undefined },
  shutdown: undefined,
  panic: undefined,
  duringKexec: false,
  stderr: ['qemu: a warning'],
  console: ['last line'],
}

describe('explainEnding', () => {
  const cases: [string, Partial<Ending>, string, string][] = [
    [
      'a panic, whatever followed',
      { panic: 'Kernel panic - not syncing: x', shutdown: 'guest-reset' },
      'guest-panicked',
      'the guest panicked: Kernel panic - not syncing: x',
    ],
    [
      'a reset',
      { shutdown: 'guest-reset' },
      'guest-died',
      'the guest reset itself without a panic message: a triple fault, or a reboot',
    ],
    [
      'a reset in a kexec',
      { shutdown: 'guest-reset', duringKexec: true },
      'guest-died',
      'the guest reset itself during the kexec without a panic message: a triple fault, or a reboot',
    ],
    ['a power-off', { shutdown: 'guest-shutdown' }, 'guest-died', 'the guest powered itself off'],
    ['a crash of QEMU', { exit: { code: undefined, signal: 'SIGABRT' } }, 'guest-died', 'QEMU ended (killed by SIGABRT)'],
    [
      'somebody else ending QEMU',
      { exit: { code: 0, signal: undefined }, shutdown: 'host-signal' },
      'guest-died',
      'QEMU ended: host-signal (exit code 0)',
    ],
  ]
  it.each(cases)('%s', (_name, change, code, message) => {
    expect(explainEnding({ ...ending, ...change }).toJSON()).toEqual({
      code,
      message,
      evidence: ['qemu: a warning', 'last line'],
    })
  })
})
