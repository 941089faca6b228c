import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RunId } from '../shared/contract.ts'
import { newRunId, runsDirectory } from './runs-directory.ts'

it('follows XDG_STATE_HOME where that is absolute', () => {
  expect([runsDirectory({ XDG_STATE_HOME: '/s' }), runsDirectory({ XDG_STATE_HOME: 's' }).endsWith('/.local/state/kho-lab/runs')]).toEqual(['/s/kho-lab/runs', true])
})

it('names a run by time and experiment', () => {
  expect(newRunId('Two nodes, odd scratch!', new Date('2026-11-22T10:15:07.123Z'))).toBe('20261122-101507-two-nodes-odd-scratch')
})

it('gives any experiment a name that the contract takes', () => {
  const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  fc.assert(fc.property(fc.string({ unit: 'binary' }), instant, (name, now) => RunId.safeParse(newRunId(name, now)).success))
})
