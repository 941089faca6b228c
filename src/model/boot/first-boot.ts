import type { Experiment } from '../../shared/documents/index.ts'
import type { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { fromHex, MiB } from '../../shared/units.ts'
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
    setupData: [],
  }
}

/** Why no rule covers this boot; undefined when one does. */
export const whyNoSchedule = ({ build, cmdline }: Pick<FirstBoot, 'build' | 'cmdline'>): string | undefined =>
  whyNotModelled({ build, early: earlyOptions(cmdline) })

/**
 * The scratch regions of a first boot. `random`: what KASLR drew besides the kernel's place. An error says what is not
 * modelled.
 */
export function firstBootScratch(boot: FirstBoot, kernelBase: number, random: Randomness): Result<ScratchOutcome> {
  const booted = bootMemory(bootInput(boot, kernelBase, random))
  if (!booted.ok) return booted
  return booted.value.scratch === undefined ? err('KHO is off') : ok(booted.value.scratch)
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
