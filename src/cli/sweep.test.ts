import { join } from 'node:path'
import { expect, it } from 'vitest'
import { kholab } from './cli.fixture.ts'

const FILE = join(import.meta.dirname, '../../experiments/hello.yaml')

it.each([
  [['--sweep', 'hops=1..3'], '--sweep hops=1..3: there is no parameter hops'],
  [['--csv'], '--csv is for a sweep'],
  [['--sweep', 'cpus=1..2', '--csv', '--json'], '--json and --csv both want stdout'],
])('predict %j is wrong usage', async (args, message) => {
  const { code, stdout, stderr } = await kholab(['predict', FILE, ...args])
  expect([code, stderr.split('\n')[0]]).toEqual([64, `kho-lab: ${message}`])
  if (!args.includes('--json')) expect(stdout).toBe('')
})
