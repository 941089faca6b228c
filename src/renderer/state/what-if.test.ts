import { expect, it } from 'vitest'
import { parseExperimentYaml } from '../../lab/experiment-file.ts'
import { experimentOf } from './what-if.ts'

it('writes an experiment that the lab reads', () => {
  const parsed = parseExperimentYaml(
    experimentOf({ memory: 6 * 2 ** 30, nodes: 3, cpus: 6, scratch: '150%', cmdline: 'hugepagesz=2M hugepages=4' }),
    'what-if',
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const { machine, kho, kernels } = parsed.value
  expect([machine.memory, machine.nodes.length, kho.scratch, kernels[0]?.cmdline]).toEqual([
    6 * 2 ** 30,
    3,
    '150%',
    'nokaslr hugepagesz=2M hugepages=4',
  ])
})
