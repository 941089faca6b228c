import type { ExperimentInput } from '../../shared/documents/index.ts'
import { createRandom, type Random } from '../../model/policy/random.ts'
import { GiB, KiB, MiB, roundDown } from '../../shared/units.ts'
import { between, pick } from './draw-values.ts'
import { drawWorkload } from './draw-workload.ts'

type Machine = NonNullable<ExperimentInput['machine']>
type Kho = NonNullable<ExperimentInput['kho']>

const MOST_MEMORY = 16 * GiB
const LEAST_NODE = 192 * MiB
/** QEMU rounds RAM up to this. */
const RAM_UNIT = 8 * KiB

/** Spreads neighbouring numbers over 32 bits (the finaliser of MurmurHash3), since the generator's first draws follow its seed. */
function scattered(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const randomOf = (seed: number, index: number): Random => createRandom(scattered(scattered(seed) + index))

/** The same experiment with a workload in every boot, drawn for itself, so that machine and kernel stay what they are without one. */
export function drawExperimentWithWorkload(seed: number, index: number): ExperimentInput {
  const experiment = drawExperiment(seed, index)
  const { machine, kho, hops = 1 } = experiment
  const nodes = Array.isArray(machine?.nodes) ? machine.nodes.length : 1
  const random = randomOf(seed + 1, index)
  const workload = drawWorkload(random, Number(machine?.memory), nodes, hops, kho?.liveupdate === true)
  return { ...experiment, name: `${experiment.name}, workload`, workload }
}

/**
 * Experiment number `index` of a seed: the same for the same two numbers, whatever else is drawn. Covers what the model of early
 * memory covers: RAM from 512 MiB to 16 GiB, 1 to 4 nodes (uneven ones, ones without memory), 1 to 8 CPUs, both machine types,
 * with and without KASLR, every form of kho_scratch=, initrds of odd sizes, reserve_mem=, huge pages, crash kernels, 1 to 3 hops.
 */
export function drawExperiment(seed: number, index: number): ExperimentInput {
  const random = randomOf(seed, index)
  const memory = drawMemory(random)
  const machine = drawMachine(random, memory)
  const padding = drawPadding(random)
  const cmdline = [random.chance(0.5) ? 'nokaslr' : '', random.chance(0.25) ? drawCrashkernel(random, memory) : '']
  return {
    name: `seed ${seed}, experiment ${index}`,
    machine,
    kernel: {
      cmdline: cmdline.filter((option) => option !== '').join(' '),
      ...(padding === 0 ? {} : { initrdPadding: padding }),
    },
    kho: { ...drawScratch(random, memory), liveupdate: random.chance(0.4) },
    ...(random.chance(0.3) ? { reserveMem: drawRegions(random) } : {}),
    ...(random.chance(0.3) ? { hugepages: drawHugepages(random, memory) } : {}),
    hops: pick(random, [1, 1, 1, 2, 3]),
  }
}

/** Every doubling is as likely as the next, and one in four sizes is as odd as QEMU allows. */
function drawMemory(random: Random): number {
  const least = pick(random, [GiB / 2, GiB, 2 * GiB, 4 * GiB, 8 * GiB])
  return between(random, least, Math.min(2 * least, MOST_MEMORY), random.chance(0.25) ? RAM_UNIT : MiB)
}

function drawMachine(random: Random, memory: number): Machine {
  const common = { type: pick(random, ['q35', 'pc'] as const), memory, cpus: 1 + random.below(8) }
  const wanted = pick(random, [1, 1, 2, 3, 4])
  const count = Math.min(wanted, Math.floor(memory / LEAST_NODE))
  if (count < 2) return common
  const sizes = drawNodes(random, memory, count)
  // A node of CPUs alone takes the place of one with memory, so that there are never more than four.
  if (count < 4 && random.chance(0.25)) sizes.splice(1 + random.below(count), 0, 0)
  return { ...common, nodes: sizes.map((size) => ({ memory: size })) }
}

/** Uneven shares in whole MiB; the last node gets the rest. */
function drawNodes(random: Random, memory: number, count: number): number[] {
  const spare = memory - count * LEAST_NODE
  const cuts = Array.from({ length: count - 1 }, () => roundDown(random.below(spare + 1), MiB)).sort((a, b) => a - b)
  return Array.from({ length: count }, (_unused, node) => LEAST_NODE + (cuts[node] ?? spare) - (cuts[node - 1] ?? 0))
}

/** Half of the initrds as the lab makes them; the others odd, and some larger than many scratch regions. */
function drawPadding(random: Random): number {
  if (random.chance(0.5)) return 0
  return 1 + random.below(random.chance(0.25) ? 160 * MiB : 24 * MiB)
}

function drawCrashkernel(random: Random, memory: number): string {
  const size = Math.min(between(random, 32, 256, 16), roundDown(memory / MiB / 8, 16))
  return pick(random, [`crashkernel=${size}M`, `crashkernel=${size}M`, `crashkernel=${size}M,high`, `crashkernel=1G-:${size}M`])
}

function drawScratch(random: Random, memory: number): Kho {
  switch (pick(random, ['default', 'default', 'percent', 'explicit'] as const)) {
    case 'default':
      return {}
    case 'percent':
      return { scratch: `${between(random, 110, 400, 1)}%` }
    case 'explicit': {
      // A next kernel needs its memory map, one 64th of RAM, in scratch. Odd sizes, which the kernel rounds.
      const memmap = Math.ceil(memory / 64 / KiB)
      const sizes = [
        16 * KiB + random.below(96 * KiB),
        memmap + random.below(2 * memmap),
        4 * KiB + memmap + random.below(memmap),
      ]
      return { scratch: sizes.map((size) => `${size}K`).join(',') }
    }
  }
}

function drawRegions(random: Random): NonNullable<ExperimentInput['reserveMem']> {
  return Array.from({ length: 1 + random.below(3) }, (_unused, index) => ({
    name: `region${index}`,
    size: random.chance(0.3) ? 1 + random.below(MiB) : between(random, 4 * KiB, 16 * MiB, 4 * KiB),
    align: pick(random, [64, 4 * KiB, 64 * KiB, 2 * MiB]),
  }))
}

function drawHugepages(random: Random, memory: number): NonNullable<ExperimentInput['hugepages']> {
  return memory >= 3 * GiB && random.chance(0.5)
    ? { size: GiB, count: 1 + random.below(2) }
    : { size: 2 * MiB, count: 1 + random.below(32) }
}
