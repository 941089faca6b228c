import { expect, it } from 'vitest'
import { completeExperiment, ExperimentFile } from './experiment.ts'

const problems = (faults: unknown, hops = 2): readonly string[] => {
  const parsed = ExperimentFile.safeParse({ name: 'x', hops, faults })
  const issues = parsed.success ? completeExperiment(parsed.data).issues : parsed.error.issues
  return issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
}

it.each<[unknown, string]>([
  [{ fault: 'kexec-load', hop: 3 }, 'faults.0.hop: the experiment has 2 hops, so there is no hop 3'],
  [{ fault: 'compatible', hop: 1, value: 'a b' }, 'faults.0.value: 1 to 32 printable characters without blanks'],
])('refuses %j', (fault, message) => {
  expect(problems([fault])).toEqual([message])
})

it('refuses two faults of one hop', () => {
  const both = [
    { fault: 'kexec-load', hop: 1 },
    { fault: 'compatible', hop: 1 },
  ]
  expect(problems(both)).toEqual(['faults.1.hop: hop 1 has a fault already; what two of them do together is not modelled'])
})
