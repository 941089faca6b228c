import { parseArgs } from 'node:util'
import { expect, it } from 'vitest'
import { StudyFile } from '../../shared/documents/index.ts'
import { abSimple } from './ab-simple.ts'
import type { Policy } from './policy.ts'
import { scratch } from './scratch.ts'
import { PolicyBroken, simulate } from './simulate.ts'

const study = StudyFile.parse({
  name: 'broken',
  machine: { memory: '2GiB' },
  boot: { image: '32MiB', footprint: '32MiB', drivers: '16MiB' },
  workload: { churn: 500 },
})

/** What stops a simulation. */
function broken(policy: Policy, options: { seed: number; generations: number; check: boolean }): PolicyBroken {
  try {
    for (const row of simulate({ study, policy, ...options })) expect(row.possible).toBe(true)
  } catch (error) {
    if (error instanceof PolicyBroken) return error
    throw error
  }
  throw new Error('nothing broke')
}

/** The same once more with the options that the error names, read as the command line reads them. */
function again(policy: Policy, { evidence }: PolicyBroken): PolicyBroken {
  const { values } = parseArgs({
    args: (evidence[0] ?? '').split(' '),
    options: {
      policies: { type: 'string' },
      seed: { type: 'string' },
      generations: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
  })
  expect(values.policies).toBe(policy.id)
  return broken(policy, { seed: Number(values.seed), generations: Number(values.generations), check: values.check })
}

it('stops a policy that calls itself sound and boots over a handed-over page, with step, seed and page', () => {
  const tooBold: Policy = { ...abSimple, sound: true }
  const error = broken(tooBold, { seed: 7, generations: 50, check: false })
  expect(error.message).toMatch(
    /^policy ab-simple broke the rule handed-over-page-overwritten in generation 1, step kexec, seed 7, page 0x[0-9a-f]+$/,
  )
  expect(error.evidence).toEqual(['--policies ab-simple --seed 7 --generations 2 --check'])
  expect(again(tooBold, error).message).toBe(error.message)
})

it('stops a policy that spoils the page model, at the step where it did', () => {
  const spoils: Policy = {
    ...scratch,
    settle: ({ generation, pages }) => {
      if (generation === 1) pages.state[pages.state.lastIndexOf(11)] = 0
    },
  }
  const error = broken(spoils, { seed: 3, generations: 50, check: true })
  expect(error.message).toMatch(
    /^policy scratch broke the rule frame-in-no-block in generation 1, step boot, seed 3, page 0x[0-9a-f]+$/,
  )
  expect(again(spoils, error).message).toBe(error.message)
})
