import type { Experiment } from '../../shared/documents/index.ts'
import type { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { fromHex, GiB, MiB } from '../../shared/units.ts'
import { firmwareMap, numaNodes, socketsOf, type Processor } from '../firmware-map.ts'
import { kernelOptions } from '../kernel-options.ts'
import { NOT_RANDOM, type BootInput, type BootProcessor, type Randomness, type ScratchOutcome } from './input.ts'
import { initrdPlace } from './loader.ts'
import { earlyOptions } from './options.ts'
import { bootMemory, whyNotModelled } from './schedule.ts'

/** What is known of a first boot under QEMU before it starts. */
export interface FirstBoot {
  readonly machine: Experiment['machine']
  readonly build: KernelBuildFacts
  /** Bytes of the initrd file. */
  readonly initrdSize: number
  readonly cmdline: string
  readonly processor: Processor & BootProcessor
  readonly scratchAlignment: number
}

/** QEMU's -cpu max under TCG shows an AMD processor with five-level page tables and 1 GiB pages (QEMU 7.2). */
export const tcgProcessor = (cmdline: string): Processor & BootProcessor => ({
  kvm: false,
  amd: true,
  la57: !cmdline.split(/\s+/).includes('no5lvl'),
  gbpages: true,
  intel: false,
})

/** Whether the kernel's place, and what it draws later, is random. */
export const isRandom = ({ build, cmdline }: Pick<FirstBoot, 'build' | 'cmdline'>): boolean =>
  build.options.includes('RANDOMIZE_BASE') && !cmdline.split(/\s+/).includes('nokaslr')

/** `kernelBase`: where _text lies. */
export function bootInput(boot: FirstBoot, kernelBase: number, random: Randomness): BootInput {
  const { machine, build, cmdline, processor } = boot
  const map = firmwareMap(machine.type, machine.memory, processor, socketsOf(machine))
  const lowRam = map.find(({ start, type }) => type === 'System RAM' && fromHex(start) === MiB)
  const nodes = numaNodes(machine)
  const several = machine.nodes.length > 1
  return {
    build,
    map,
    nodes: several ? nodes.map(({ spans }) => spans) : undefined,
    cpuNodes: Array.from({ length: machine.cpus }, (_unused, cpu) =>
      several ? nodes.findIndex(({ cpus }) => cpus.includes(cpu)) : 0,
    ),
    processor,
    kernelBase,
    initrd: initrdPlace(machine.type, machine.memory, boot.initrdSize, fromHex(lowRam?.end ?? '0x0')),
    cmdline,
    options: kernelOptions(cmdline, Infinity),
    early: earlyOptions(cmdline),
    random,
    scratchAlignment: boot.scratchAlignment,
  }
}

export interface ScratchPrediction {
  /** Whether all regions fit; where they do not, KHO turns itself off. */
  readonly fits: Result<boolean>
  /** In array order. */
  readonly sizes: Result<readonly number[]>
  readonly addresses: Result<readonly number[]>
}

/** Why no rule covers this boot; undefined when one does. */
export const whyNoSchedule = ({ build, cmdline }: Pick<FirstBoot, 'build' | 'cmdline'>): string | undefined =>
  whyNotModelled({ build, early: earlyOptions(cmdline) })

/**
 * The scratch regions of a first boot. What KASLR draws besides the kernel's place is not known, so every draw that could
 * make a difference is tried: where all agree, so will the guest. An error says what is not modelled.
 */
export function firstBootScratch(boot: FirstBoot, kernelBase: number): Result<ScratchPrediction> {
  const draws = isRandom(boot) ? possibleDraws(boot, kernelBase) : ok([NOT_RANDOM])
  if (!draws.ok) return draws
  const outcomes: ScratchOutcome[] = []
  for (const random of draws.value) {
    const booted = bootMemory(bootInput(boot, kernelBase, random))
    if (!booted.ok) return booted
    if (booted.value.scratch === undefined) return err('KHO is off')
    outcomes.push(booted.value.scratch)
  }
  return ok(agreement(outcomes))
}

const BY_CHANCE = 'page tables that KASLR makes at random places before it decide about it'

function agreement(outcomes: readonly ScratchOutcome[]): ScratchPrediction {
  const regions: (readonly { readonly start: number; readonly size: number }[])[] = []
  for (const outcome of outcomes) if (outcome.ok) regions.push(outcome.regions)
  const [first] = outcomes
  if (regions.length === 0 && first?.ok === false) {
    const none = err(`there is no room for ${first.region} of scratch`)
    return { fits: ok(false), sizes: none, addresses: none }
  }
  if (regions.length < outcomes.length) return { fits: err(BY_CHANCE), sizes: err(BY_CHANCE), addresses: err(BY_CHANCE) }
  return {
    fits: ok(true),
    sizes: agreed(regions.map((list) => list.map(({ size }) => size))),
    addresses: agreed(regions.map((list) => list.map(({ start }) => start))),
  }
}

function agreed(lists: readonly (readonly number[])[]): Result<readonly number[]> {
  const [first = []] = lists
  const same = lists.every((list) => list.length === first.length && list.every((value, index) => value === first[index]))
  return same ? ok(first) : err(BY_CHANCE)
}

/** From here on the memory map spans more than one table of the second level, at a random place. */
const ONE_VMEMMAP_TABLE = 64 * GiB
const P4D_SIZE = 512 * GiB
const L5_PGDIR_SIZE = 512 * P4D_SIZE

/** Draws that differ in what they make the kernel allocate. */
function possibleDraws(boot: FirstBoot, kernelBase: number): Result<readonly Randomness[]> {
  const end = Math.max(
    ...bootInput(boot, kernelBase, NOT_RANDOM)
      .map.filter(({ type }) => type === 'System RAM')
      .map((entry) => fromHex(entry.end)),
  )
  if (end > ONE_VMEMMAP_TABLE) return err('a memory map at a random place is modelled up to 64 GiB of RAM only')
  const kinds = new Map<string, number>()
  for (const directMap of directMapOffsets(end)) {
    const input = bootInput(boot, kernelBase, { ...NOT_RANDOM, directMap })
    const booted = bootMemory(input, 'direct map')
    if (!booted.ok) return booted
    const key = JSON.stringify(booted.value.memblock.journal)
    if (!kinds.has(key)) kinds.set(key, directMap)
  }
  const most = MOST_TABLES_PER_CPU * boot.machine.cpus
  const counts = Array.from({ length: most - 1 }, (_unused, more) => LEAST_ENTRY_TABLES + more)
  const vmemmap = boot.processor.la57 ? [false, true] : [false]
  const draws = [...kinds.values()].flatMap((directMap) =>
    vmemmap.flatMap((vmemmapBesideKernel) =>
      counts.map((entryAreaPages) => ({ directMap, vmemmapBesideKernel, entryAreaPages })),
    ),
  )
  return ok(draws)
}

/** One table each of two levels, and one page of entries: all areas close together. */
const LEAST_ENTRY_TABLES = 3
/** An area that straddles 1 GiB needs two tables and two pages of entries of its own. */
const MOST_TABLES_PER_CPU = 4

/** The direct map begins at a random GiB: a table of a higher level may end at any GiB of RAM, or behind all of it. */
function directMapOffsets(end: number): readonly number[] {
  const borders = Array.from({ length: Math.ceil(end / GiB) - 1 }, (_unused, index) => (index + 1) * GiB)
  return [0, ...borders.flatMap((border) => [P4D_SIZE - border, L5_PGDIR_SIZE - border])]
}

/**
 * Whether scratch fits into memory, without KASLR and for every processor of the list; undefined where they do not agree, or
 * something is not modelled.
 */
export function firstBootFits(
  boot: Omit<FirstBoot, 'processor'>,
  kernelBase: number,
  processors: readonly FirstBoot['processor'][],
): boolean | undefined {
  const fits = processors.map((processor) => {
    const booted = bootMemory(bootInput({ ...boot, processor }, kernelBase, NOT_RANDOM))
    return booted.ok ? booted.value.scratch?.ok : undefined
  })
  return fits.every((fit) => fit === fits[0]) ? fits[0] : undefined
}

/** Processors that a guest may see: that of TCG, and under KVM those that x86-64 hosts have. */
export function possibleProcessors(accelerator: Experiment['accelerator'], cmdline: string): readonly FirstBoot['processor'][] {
  const tcg = tcgProcessor(cmdline)
  if (accelerator === 'tcg') return [tcg]
  const hosts = [true, false].flatMap((amd) =>
    [tcg.la57, false].flatMap((la57) => [true, false].map((gbpages) => ({ kvm: true, amd, la57, gbpages, intel: !amd }))),
  )
  return accelerator === 'kvm' ? hosts : [tcg, ...hosts]
}
