import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Comparison, RunDiff } from '../shared/documents/index.ts'
import { kholab, scratchDirectory } from './cli.fixture.ts'

const RECORDED = join(import.meta.dirname, '../../tests/recorded/hello')

/** Two folders of a real run, the second changed. */
function twoRuns(change: (comparison: Comparison) => void): readonly [string, string] {
  const [one, other] = [scratchDirectory(), scratchDirectory()]
  for (const directory of [one, other]) cpSync(RECORDED, directory, { recursive: true })
  const file = join(other, 'comparison.json')
  const comparison = Comparison.parse(JSON.parse(readFileSync(file, 'utf8')))
  change(comparison)
  writeFileSync(file, JSON.stringify(comparison))
  return [one, other]
}

describe('diff', () => {
  it('ends with 0 for a run and itself, whether given as folder or as file', async () => {
    const [one] = twoRuns(() => undefined)
    const { code, stdout, stderr } = await kholab(['diff', one, join(one, 'comparison.json'), '--json'])
    expect([code, stderr]).toEqual([0, ''])
    expect(RunDiff.parse(JSON.parse(stdout))).toMatchObject({ verdicts: [], values: [], findings: [] })
  })

  it('ends with 1 when a verdict changed, and says which first', async () => {
    const runs = twoRuns(({ claims, environment }) => {
      environment.image.kernelVersion = '7.4.0-\u001b[31mred'
      for (const claim of claims)
        if (claim.id === 'hop0.scratch.count') Object.assign(claim, { verdict: 'differ', guest: { value: 4 } })
    })
    const { code, stdout } = await kholab(['diff', ...runs])
    expect(code).toBe(1)
    expect(stdout).toContain(
      '\nVerdicts that changed\n  hop0.scratch.count: match -> differ\n      guest: the value is 4, before 3\n',
    )
    expect(stdout).toMatch(/kernel: 7\.3\.4.* -> 7\.4\.0-\\x1b\[31mred/)
    expect(stdout).not.toContain('\u001b')
  })

  it('ends with 2 and names the file for what is no run, is damaged, or comes from a newer lab', async () => {
    const [one, other] = twoRuns(() => undefined)
    const file = join(other, 'comparison.json')
    const ends = async (): Promise<string> => {
      const { code, stdout, stderr } = await kholab(['diff', one, other])
      expect([code, stdout]).toEqual([2, ''])
      return stderr.replaceAll(other, 'RUN').split('\n')[0] ?? ''
    }
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"version":1', '"version":2').replace('"claims":', '"assertions":'))
    expect(await ends()).toBe(
      'kho-lab: RUN/comparison.json was written by a newer kho-lab: its version is 2, this lab reads version 1',
    )
    writeFileSync(file, text.slice(0, 1000))
    expect(await ends()).toContain('RUN/comparison.json is no JSON')
    writeFileSync(file, '[]')
    expect(await ends()).toBe('kho-lab: RUN/comparison.json is not the document it should be')
    const { code, stderr } = await kholab(['diff', one, join(other, 'none')])
    expect([code, stderr.split('\n')[0]?.replace(other, 'RUN')]).toEqual([
      2,
      'kho-lab: cannot read RUN/none: there is no such file',
    ])
  })
})
