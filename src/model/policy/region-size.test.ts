import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { StudyFile } from '../../shared/documents/index.ts'
import { MiB, PAGE_SIZE } from '../../shared/units.ts'
import { POLICIES } from './policies.ts'
import { regionFrames, regionProblem } from './world.ts'

const Guests = z.array(
  z.object({
    experiment: z.object({
      machine: z.object({ memory: z.number().optional() }).optional(),
      kho: z.object({ scratch: z.string().optional() }).optional(),
    }),
    boots: z.array(z.object({ scratch: z.array(z.tuple([z.string(), z.string()])).optional() })),
  }),
)

it('is what real guests with kho_scratch=200% gave the scratch of their only node, to a pageblock', () => {
  const guests = Guests.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/guests.json'), 'utf8')))
  const sizes = guests.flatMap(({ experiment, boots }) => {
    const scratch = boots[0]?.scratch
    const memory = experiment.machine?.memory
    if (memory === undefined || experiment.kho?.scratch !== undefined || scratch?.length !== 3) return []
    const study = StudyFile.parse({ name: 'guest', machine: { memory }, boot: { image: '8MiB', footprint: '12MiB' } })
    return [[Number(scratch[2]?.[1]) / MiB, (regionFrames(study, POLICIES.scratch) * PAGE_SIZE) / MiB] as const]
  })
  expect(sizes.length).toBeGreaterThanOrEqual(2)
  for (const [real, model] of sizes) expect(Math.abs(real - model)).toBeLessThanOrEqual(4)
})

it('is refused where two of them would take more than half of the node', () => {
  const study = StudyFile.parse({ name: 'full', machine: { memory: '1GiB' } })
  expect([regionProblem(study, POLICIES['ab-both']), regionProblem(study, POLICIES.purgatory)]).toEqual([
    'ab-both sets 2 regions of 800 MiB aside, more than half of node 0',
    undefined,
  ])
})
