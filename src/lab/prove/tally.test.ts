import { describe, expect, it } from 'vitest'
import type { ComparedClaim, Verdict } from '../../shared/documents/index.ts'
import { proofText, tally, type Trial } from './tally.ts'

const basis = [{ function: 'kho_reserve_scratch', file: 'kernel/liveupdate/kexec_handover.c', release: '7.3' }]
const claim = (subject: string, verdict: Verdict): ComparedClaim => ({
  id: `hop0.${subject}`,
  subject,
  family: subject.slice(0, subject.indexOf('.')),
  hop: 0,
  title: subject,
  guest: { value: 1 },
  host: { unobserved: 'no' },
  verdict,
  reason: `because ${verdict}`,
  basis,
  given: {},
})
const trial = (index: number, claims: ComparedClaim[], more: { lost?: string; ended?: string } = {}): Trial => ({
  index,
  name: `n${index}`,
  seconds: 2,
  end: { kind: 'compared', comparison: { claims, ...more } },
})

const proof = tally(7, 5, [
  trial(2, [claim('scratch.sizes', 'differ'), claim('boot.kho', 'match')]),
  trial(0, [claim('scratch.sizes', 'match'), claim('boot.kho', 'unpredicted')]),
  trial(1, [claim('kexec.load', 'match')], { ended: 'boot 0 refused' }),
  trial(3, [claim('boot.kho', 'unobserved')], { lost: 'boot 0: the guest panicked' }),
  { index: 4, name: 'n4', seconds: 1, end: { kind: 'failed', code: 'not-enough-memory', message: 'too large' } },
])

describe('the result of a proof', () => {
  it('counts claims by verdict and family, and runs by how they ended', () => {
    const { experiments, withoutDiffer, refused, claims, match, differ, unobserved, unpredicted, seconds } = proof
    expect({ experiments, withoutDiffer, refused, claims, match, differ, unobserved, unpredicted, seconds }).toEqual({
      experiments: 5,
      withoutDiffer: 2,
      refused: 1,
      claims: 6,
      match: 3,
      differ: 1,
      unobserved: 1,
      unpredicted: 1,
      seconds: 9,
    })
    expect(proof.families['scratch']).toEqual({ claims: 2, match: 1, differ: 1, unobserved: 0, unpredicted: 0 })
  })

  it('names what was lost and what is open, in the order of the experiments, with cause and basis', () => {
    expect(proof.lost).toEqual([
      { experiment: 3, why: 'boot 0: the guest panicked' },
      { experiment: 4, why: 'not-enough-memory: too large' },
    ])
    expect(proof.open).toEqual([
      { experiment: 0, claim: 'hop0.boot.kho', verdict: 'unpredicted', cause: 'because unpredicted', basis },
      { experiment: 2, claim: 'hop0.scratch.sizes', verdict: 'differ', cause: 'because differ', basis },
      { experiment: 3, claim: 'hop0.boot.kho', verdict: 'unobserved', cause: 'because unobserved', basis },
    ])
  })

  it('says all of it in words', () => {
    const text = proofText(proof)
    expect(text).toContain(
      'seed 7: 5 of 5 experiments, 2 without any difference, 2 lost, 1 ended by a kexec that was to be refused',
    )
    expect(text).toContain('experiment 2, hop0.scratch.sizes: because differ')
    expect(text).toContain('look at kho_reserve_scratch (kernel/liveupdate/kexec_handover.c)')
    expect(text).toContain('1 x boot.kho: because unpredicted (experiments 0)')
  })
})
