import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { predict } from '../../src/model/predict.ts'
import { preservedSet, radixShape } from '../../src/model/preserved-set.ts'
import { completeExperiment, ExperimentFile, type Experiment, type KernelFacts } from '../../src/shared/documents/index.ts'
import { KernelBuildFacts } from '../../src/shared/documents/kernel-build-facts.ts'
import { GiB, MiB, PAGE_SIZE, formatSize } from '../../src/shared/units.ts'

const HELP = `npm run bench:model -- [--only growth,large] [--json]

Measures how long a prediction takes, each in a process of its own; exits 1 when one is beyond its bound. No guest is started.
  growth  1 GiB to 16 TiB in 16 nodes, three hops                              no bound; 16 TiB beside 1 GiB is what counts
  large   4 TiB in 16 nodes, three hops, a tree of a million preserved folios  1 s and 256 MiB of heap
`

const FOLIOS = 1_000_000
const HOPS = 3
const GROWTH = [1, 4, 16, 64, 256, 1024, 4096, 16384].map((gib) => gib * GiB)
const LARGE = 4096 * GiB

interface Measured {
  readonly memory: number
  readonly milliseconds: number
  /** Of the processor, which a busy machine does not lengthen; the collector's threads count too. */
  readonly cpuMilliseconds: number
  readonly heapMiB: number
}

/** The build that the unit tests have, so that no image is needed. */
function kernel(): KernelFacts {
  const file = new URL('../../src/model/boot/fixtures/build-facts.json', import.meta.url)
  const build = KernelBuildFacts.parse(JSON.parse(readFileSync(file, 'utf8')))
  const header = {
    initSize: 15_916_032,
    prefAddress: 16 * MiB,
    kernelAlignment: 2 * MiB,
    relocatable: true,
    setupSects: 39,
    version: 0x20f,
  }
  return { release: '7.3.4', bzImageSha256: '0'.repeat(64), initrdSize: 3_600_000, header, purgatorySize: 5 * PAGE_SIZE, build }
}

function machine(memory: number): Experiment {
  const nodes = memory >= 16 * GiB ? 16 : 1
  const input = ExperimentFile.parse({
    name: 'bench',
    machine: { memory, cpus: 16, nodes },
    kernel: { cmdline: 'nokaslr' },
    accelerator: 'tcg',
    hops: HOPS,
  })
  const { experiment, issues } = completeExperiment(input)
  if (experiment === undefined) throw new Error(JSON.stringify(issues))
  return experiment
}

/** Pages all over RAM, the same for every run. */
function folios(memory: number): number[] {
  let state = 1
  return Array.from({ length: FOLIOS }, () => {
    state = (state * 48271) % 2147483647
    return (state % (memory / PAGE_SIZE)) * PAGE_SIZE
  })
}

/** In this process: the whole prediction, and with `preserved` the tree that holds the folios, which every hop hands on. */
function alone(memory: number, preserved: boolean): Measured {
  const [facts, experiment] = [kernel(), machine(memory)]
  const pages = preserved ? folios(memory) : []
  const [started, before] = [performance.now(), process.cpuUsage()]
  const { claims } = predict(
    experiment,
    Array.from({ length: HOPS + 1 }, () => facts),
    { experimentSha256: '0'.repeat(64) },
  )
  const { nodeCount } = radixShape(
    preservedSet(pages, [], [], () => 0),
    [],
  )
  const milliseconds = performance.now() - started
  const used = process.cpuUsage(before)
  if (claims.length === 0 || nodeCount === 0) throw new Error('nothing was predicted')
  return {
    memory,
    milliseconds,
    cpuMilliseconds: (used.user + used.system) / 1000,
    heapMiB: process.memoryUsage().heapUsed / MiB,
  }
}

function inProcess(memory: number, preserved: boolean): Measured {
  const argv = [fileURLToPath(import.meta.url), '--alone', String(memory), ...(preserved ? ['--preserved'] : [])]
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as Measured
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'growth,large' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    alone: { type: 'string' },
    preserved: { type: 'boolean', default: false },
  },
})

const line = ({ memory, milliseconds, cpuMilliseconds, heapMiB }: Measured): string =>
  `${formatSize(memory).padStart(9)}  ${milliseconds.toFixed(0).padStart(6)} ms (${cpuMilliseconds.toFixed(0).padStart(5)} ms of CPU)  ${heapMiB.toFixed(0).padStart(5)} MiB of heap\n`

if (values.help) {
  process.stdout.write(HELP)
} else if (values.alone !== undefined) {
  process.stdout.write(JSON.stringify(alone(Number(values.alone), values.preserved)))
} else {
  const only = new Set(values.only.split(','))
  const growth = only.has('growth') ? GROWTH.map((memory) => inProcess(memory, false)) : []
  const large = only.has('large') ? inProcess(LARGE, true) : undefined
  const within = large === undefined || (large.milliseconds <= 1000 && large.heapMiB <= 256)
  const words = [
    ...growth.map(line),
    ...(large === undefined
      ? []
      : [`with a million preserved folios:\n${line(large)}${within ? '' : 'BEYOND ITS BOUND of 1 s and 256 MiB\n'}`]),
  ]
  process.stdout.write(values.json ? `${JSON.stringify({ growth, large, within })}\n` : words.join(''))
  process.exitCode = within ? 0 : 1
}
