import { describe, expect, it } from 'vitest'
import type { Verdict } from '../shared/documents/index.ts'
import { summarize } from './summary.ts'

const run = (verdicts: readonly Verdict[], lost = false): string =>
  summarize(
    verdicts.map((verdict) => ({ verdict })),
    lost,
  ).run

describe('summarize', () => {
  it('counts each verdict', () => {
    expect(
      summarize([{ verdict: 'match' }, { verdict: 'match' }, { verdict: 'differ' }, { verdict: 'unpredicted' }], false),
    ).toEqual({ match: 2, differ: 1, unobserved: 0, unpredicted: 1, run: 'disagreed' })
  })

  it('agrees only when something matched and nothing is missing', () => {
    expect(run(['match', 'unpredicted'])).toBe('agreed')
    expect(run(['match', 'unobserved'])).toBe('incomplete')
    expect(run(['match', 'unobserved', 'differ'])).toBe('disagreed')
    expect(run(['unpredicted'])).toBe('incomplete')
    expect(run([])).toBe('incomplete')
  })

  it('never calls a run agreed or disagreed whose guest was lost', () => {
    expect(run(['match'], true)).toBe('lost')
    expect(run(['differ'], true)).toBe('lost')
  })
})
