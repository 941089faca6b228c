import { describe, expect, it } from 'vitest'
import { seen, type Comparison, type Observation } from '../shared/documents/index.ts'
import { compare } from './compare.ts'
import { diffRuns, type RunDocuments } from './diff-runs.ts'
import { sampleClaims, sampleMeta, sampleObservation } from './sample.fixture.ts'

const run = (
  change: (observation: Observation) => void = () => undefined,
): RunDocuments & { readonly comparison: Comparison } => {
  const observation = sampleObservation()
  change(observation)
  return {
    comparison: compare(sampleClaims(), observation, sampleMeta()),
    observation,
    experiment: { name: 'x', machine: { memory: 1024 } },
    cmdlines: ['kho=on'],
  }
}

describe('diffRuns', () => {
  it('finds nothing between a run and itself, and shows its figures all the same', () => {
    const { circumstances, verdicts, values, findings, figures, same, a } = diffRuns(run(), run())
    expect({ circumstances, verdicts, values, findings }).toEqual({ circumstances: [], verdicts: [], values: [], findings: [] })
    expect(same).toBe(a.claims)
    expect(figures.length).toBeGreaterThan(0)
    expect(figures.every((figure) => figure.a === figure.b)).toBe(true)
  })

  it('names the claim whose verdict changed, with what was seen before and after', () => {
    const diff = diffRuns(
      run(),
      run(({ hops: [first] }) => {
        if (first !== undefined) first.guest.release = seen('7.3.5')
      }),
    )
    expect(diff.verdicts.map(({ id, verdict }) => [id, verdict])).toEqual([['hop0.boot.release', { a: 'match', b: 'differ' }]])
    expect(diff.verdicts[0]?.values.map(({ side, words }) => [side, words])).toEqual([
      ['guest', expect.stringMatching(/^the value is 7\.3\.5, before /)],
    ])
    expect(diff.same).toBe(diff.a.claims - 1)
  })

  it('names claims that only one of them makes', () => {
    const [one, other] = [run(), run()]
    const [claim, ...rest] = other.comparison.claims
    const diff = diffRuns(one, { ...other, comparison: { ...other.comparison, claims: rest } })
    expect(diff.verdicts.map(({ id, verdict }) => [id, verdict])).toEqual([[claim?.id, { a: claim?.verdict }]])
    const back = diffRuns({ ...other, comparison: { ...other.comparison, claims: rest } }, one)
    expect(back.verdicts.map(({ verdict }) => verdict)).toEqual([{ b: claim?.verdict }])
  })

  it('keeps another value apart from another verdict', () => {
    const one = run()
    const claims = one.comparison.claims.map((claim) =>
      claim.id === 'hop0.scratch.count' ? { ...claim, predicted: 9, guest: { value: 9 }, host: { value: 9 } } : claim,
    )
    const diff = diffRuns(one, { ...one, comparison: { ...one.comparison, claims } })
    expect(diff.verdicts).toEqual([])
    expect(diff.values.map(({ id, values }) => [id, values.map(({ side, b }) => [side, b])])).toEqual([
      [
        'hop0.scratch.count',
        [
          ['predicted', 9],
          ['guest', 9],
          ['host', 9],
        ],
      ],
    ])
  })

  it('names each circumstance that changed, and no other', () => {
    const one = run()
    const environment = { ...one.comparison.environment, image: { ...one.comparison.environment.image, kernelVersion: '7.4.0' } }
    const other = {
      ...one,
      comparison: { ...one.comparison, environment },
      experiment: { name: 'x', machine: { memory: 2048 } },
      cmdlines: ['kho=on quiet'],
    }
    expect(diffRuns(one, other).circumstances).toEqual([
      { what: 'kernel', a: one.comparison.environment.image.kernelVersion, b: '7.4.0' },
      { what: 'command line, hop 0', a: 'kho=on', b: 'kho=on quiet' },
      { what: 'experiment.machine.memory', a: 1024, b: 2048 },
    ])
  })

  it('names findings that came, went or turned', () => {
    const one = run()
    const [finding] = one.comparison.findings
    if (finding === undefined) throw new Error('the sample has a finding')
    const turned = { ...one.comparison, findings: [{ ...finding, status: 'refuted' as const }] }
    expect(diffRuns(one, { comparison: turned }).findings.find(({ id }) => id === finding.id)).toMatchObject({
      a: finding.status,
      b: 'refuted',
    })
    const gone = diffRuns(one, { comparison: { ...one.comparison, findings: [] } }).findings
    expect(gone.map(({ a, b }) => [a, b])).toEqual(one.comparison.findings.map(({ status }) => [status, undefined]))
  })
})
