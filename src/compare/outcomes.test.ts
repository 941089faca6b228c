import { describe, expect, it } from 'vitest'
import type { ComparedClaim, InjectedFault } from '../shared/documents/index.ts'
import { outcomesOf } from './outcomes.ts'
import { sampleObservation } from './sample-observation.fixture.ts'

const claim = (subject: string, predicted: unknown, shown: unknown, verdict: ComparedClaim['verdict'] = 'match'): ComparedClaim =>
  ({
    id: `hop1.${subject}`,
    subject,
    hop: 1,
    predicted,
    verdict,
    reason: 'it did not answer',
    guest: shown === undefined ? { unobserved: 'gone' } : { value: shown },
  }) as ComparedClaim

const INJECTED: InjectedFault = { what: 'compatible', address: '0x1038', before: '6b686f2d7634', after: '6b686f2d7633' }

function sentences(claims: readonly ComparedClaim[], injected?: InjectedFault): readonly string[] {
  const observation = sampleObservation()
  const [first] = observation.hops
  if (first !== undefined && injected !== undefined) first.injected = injected
  return outcomesOf(claims, observation)
}

const handover = { how: 'handover' }
const none = { how: 'no-handover' }

describe('what became of a kexec', () => {
  it('is not said of a handover that was taken', () => {
    expect(sentences([claim('boot.outcome', handover, handover)])).toEqual([])
  })

  it('tells what the lab changed, how the boot went and what it said', () => {
    const said = claim('handover.refused', [], ["setup: incompatible with 'kho-v4': 1", 'disabling KHO revival'])
    expect(sentences([claim('boot.outcome', none, none), said], INJECTED)).toEqual([
      "Before the kexec the lab changed compatible at 0x1038 from kho-v4 to kho-v3. Boot 1 came up without a handover and said “setup: incompatible with 'kho-v4': 1; disabling KHO revival”, as predicted.",
    ])
    expect(sentences([claim('boot.outcome', none, none), claim('handover.refused', [], [])])).toEqual([
      'Boot 1 came up without a handover and said nothing of it, as predicted.',
    ])
  })

  it.each([
    [{ how: 'panic', message: 'no init' }, { how: 'panic', message: 'no init' }, 'match', 'panicked (no init), as predicted'],
    [{ how: 'halted', at: 'f' }, handover, 'differ', 'came up and took the handover; predicted was that it halted in f()'],
    [undefined, none, 'unpredicted', 'came up without a handover, which was not predicted'],
    [handover, undefined, 'unobserved', 'was not seen to come up or to die (it did not answer)'],
  ] as const)('predicted %o, seen %o', (predicted, shown, verdict, words) => {
    expect(sentences([claim('boot.outcome', predicted, shown, verdict)])).toEqual([`Boot 1 ${words}.`])
  })

  it.each([
    ['00ff', '0000', 'from 0x00ff to 0x0000.'],
    ['00c0570000000000', '0000000001000000', 'from 0x57c000 to 0x100000000.'],
  ])('shows bytes %s that are no text as bytes, and eight as an address', (before, after, words) => {
    expect(sentences([claim('boot.outcome', none, none)], { ...INJECTED, before, after })[0]).toContain(words)
  })
})
