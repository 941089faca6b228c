import { expect, it } from 'vitest'
import { StudyFile } from '../../shared/documents/index.ts'
import { abSimple } from './ab-simple.ts'
import { boot, firstEarly } from './boot.ts'
import { handOver } from './simulate.ts'
import { runWorkload } from './workload.ts'
import { createWorld } from './world.ts'

it('stops a policy that calls itself sound and boots over a handed-over page, with step, seed and page', () => {
  const study = StudyFile.parse({
    name: 'claims too much',
    machine: { memory: '2GiB' },
    boot: { image: '32MiB', footprint: '32MiB', drivers: '16MiB' },
    workload: { churn: 500 },
  })
  const world = createWorld(study, { ...abSimple, sound: true }, 7)
  boot(world, firstEarly(world))
  runWorkload(world)
  const { next } = handOver(world, 7)
  if (next?.ok !== true) throw new Error('the first handover is possible')
  world.running = next.running
  world.generation = 1
  boot(world, next.early)
  runWorkload(world)
  expect(() => handOver(world, 7)).toThrow(
    /^policy ab-simple broke the rule handed-over-page-overwritten in generation 1, step kexec, seed 7, page 0x[0-9a-f]+$/,
  )
})
