import { expect, it } from 'vitest'
import { HopTimes } from './hop-times.ts'

const said: readonly (readonly [number, string])[] = [
  [1000, '[   99.000000] not of the new kernel'],
  [1200, '[   99.200000] kexec_core: Starting new kernel'],
  [2900, '[    0.000000] Linux version 7.3.4'],
  [2900, '[    0.150000] mem auto-init: stack:all(zero), heap alloc:off, heap free:off'],
  [2900, '[    0.170000] SLUB: HWalign=64, Order=0-1, MinObjects=0, CPUs=2, Nodes=1'],
  [3010, '[    1.000000] heard ten milliseconds late'],
  [3500, '[    1.500000] heard at once'],
]

it('divides a hop where the console tells its phases apart', () => {
  const times = new HopTimes(1100, 500)
  for (const [at, line] of said) times.hear(line, at)
  expect(times.phases(5000, 5400)).toEqual([
    { phase: 'load', ms: 500 },
    { phase: 'shutdown', ms: 100 },
    { phase: 'relocation', ms: 800 },
    { phase: 'kernel start', ms: 150 },
    { phase: 'handover restore', ms: 20 },
    { phase: 'init', ms: 2830 },
    { phase: 'ready', ms: 400 },
  ])
})

it('gives only what was seen when the console is silent', () => {
  expect(new HopTimes(0, undefined).phases(4000, 4500)).toEqual([{ phase: 'ready', ms: 500 }])
})

it('does not take a clock that began late for the beginning of the kernel', () => {
  const times = new HopTimes(1100, undefined)
  for (const [at, line] of said) times.hear(line.replace(/0\.1[57]0000/, '0.000000'), at)
  expect(times.phases(5000, 5400)).toEqual([
    { phase: 'shutdown', ms: 100 },
    { phase: 'ready', ms: 400 },
  ])
})
