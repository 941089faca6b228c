import { z } from 'zod'
import { bytes, type Bytes } from '../units.ts'
import { faultIssues, Faults, type Fault } from './faults.ts'
import { Selftest } from './selftest.ts'
import { Size } from './size.ts'
import { isLuoStep } from './workload/luo-steps.ts'
import { completeWorkload, Workload, type WorkloadStep } from './workload/workload.ts'

const MAX_MEMORY = 2 ** 52
/** Without x2APIC, which QEMU's machines have only with an IOMMU (pc_machine_class_init(), hw/i386/pc.c): APIC ids are bytes. */
const MAX_CPUS = 255
/** MAX_NUMNODES of kernels as distributions build them (CONFIG_NODES_SHIFT=6); QEMU takes 128. */
const MAX_NODES = 64

const Node = z.strictObject({
  memory: z
    .union([Size, z.literal(0).transform(bytes)])
    .meta({ description: 'RAM of this NUMA node; 0 for a node of CPUs alone' }),
})

const Machine = z
  .strictObject({
    type: z.enum(['q35', 'pc']).default('q35').meta({ description: 'QEMU machine type' }),
    memory: Size.prefault('1GiB').meta({ description: 'RAM of the whole guest' }),
    cpus: z.int().min(1).max(MAX_CPUS).default(2).meta({ description: 'number of CPUs' }),
    nodes: z
      .union([z.int().min(1).max(MAX_NODES), z.array(Node).min(1).max(MAX_NODES)])
      .default(1)
      .meta({ description: 'NUMA nodes: a count (RAM is split evenly) or a list with the memory of each' }),
  })
  .prefault({})

const KernelOfHop = z.strictObject({
  release: z.string().optional().meta({ description: 'a release known to the lab, for example "7.3"' }),
  image: z.string().optional().meta({ description: 'a bzImage of your own; relative to the experiment file' }),
  cmdline: z.string().default('').meta({ description: 'appended to the kernel command line' }),
  initrdPadding: Size.optional().meta({
    description: 'zero bytes behind the initramfs, which the kernel skips: makes the initrd as large as you want',
  }),
})

const Kho = z
  .strictObject({
    enabled: z.boolean().default(true).meta({ description: 'kho=on or kho=off' }),
    scratch: z.string().optional().meta({ description: 'kho_scratch=: "lowmem,global,pernode" or "N%"' }),
    liveupdate: z.boolean().default(false).meta({ description: 'liveupdate=on' }),
  })
  .prefault({})

const ReserveMem = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,14}$/, 'a letter, then up to 14 letters, digits, _ or -'),
  size: Size,
  align: Size.prefault('4KiB'),
})

/** The experiment as a person writes it. Only `name` is required; unknown keys are refused. */
export const ExperimentFile = z
  .strictObject({
    name: z.string().min(1).max(120),
    description: z.string().optional(),
    machine: Machine,
    kernel: z
      .union([KernelOfHop, z.array(KernelOfHop).min(1).max(51)])
      .default({ cmdline: '' })
      .meta({ description: 'the kernel of every boot, or a list with one per boot (the first boot and each hop)' }),
    kho: Kho,
    reserveMem: z.array(ReserveMem).max(8).default([]),
    hugepages: z.strictObject({ size: Size, count: z.int().min(0) }).optional(),
    accelerator: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1)
      .meta({ description: 'patterns and random choices of the workload follow from it' }),
    workload: Workload,
    faults: Faults,
    selftest: Selftest.optional(),
    hops: z.int().min(0).max(50).default(1).meta({ description: 'number of kexecs after the first boot' }),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/experiment.json', title: 'kho-lab experiment' })

export type ExperimentInput = z.input<typeof ExperimentFile>

export interface KernelChoice {
  readonly release?: string | undefined
  readonly image?: string | undefined
  readonly cmdline: string
  /** Zero bytes behind the initramfs. */
  readonly initrdPadding?: Bytes | undefined
}

/** The experiment with every default filled in; what prediction, run and comparison all start from. */
export interface Experiment {
  readonly name: string
  readonly description?: string | undefined
  readonly machine: {
    readonly type: 'q35' | 'pc'
    readonly memory: Bytes
    readonly cpus: number
    /** Always a list; sums to `memory`. A node may have 0 bytes only in machines that QEMU accepts so. */
    readonly nodes: readonly { readonly memory: Bytes }[]
  }
  /** One per boot: index 0 is the first boot, index h the kernel that hop h starts. Length hops + 1. */
  readonly kernels: readonly KernelChoice[]
  /** The whole command line of every boot, for a machine that somebody else started; no experiment file has it. */
  readonly commandLine?: string | undefined
  readonly kho: { readonly enabled: boolean; readonly scratch?: string | undefined; readonly liveupdate: boolean }
  readonly reserveMem: readonly { readonly name: string; readonly size: Bytes; readonly align: Bytes }[]
  readonly hugepages?: { readonly size: Bytes; readonly count: number } | undefined
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
  readonly seed: number
  /** Steps of each boot, in order. Length hops + 1. */
  readonly workload: readonly (readonly WorkloadStep[])[]
  /** At most one per hop. */
  readonly faults: readonly Fault[]
  readonly selftest?: Selftest | undefined
  readonly hops: number
}

export interface ExperimentIssue {
  /** Keys from the root, for example ['machine', 'nodes', 1, 'memory']. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** parse_memory_options() in QEMU's softmmu/vl.c rounds -m up to a multiple of this. */
const QEMU_RAM_UNIT = 8192

/** initrd_addr_max of the boot protocol keeps an initrd of a boot loader below 2 GiB; half of that leaves room for a kernel. */
const PADDING_MAX = 2 ** 30

export const MEMORY_MIN = bytes(128 * 1024 * 1024)

/**
 * Checks what the schema alone cannot and fills in what follows from other keys.
 * `value` is what {@link ExperimentFile} parsed. Returns issues instead of throwing.
 */
export function completeExperiment(value: z.output<typeof ExperimentFile>): {
  readonly experiment?: Experiment
  readonly issues: readonly ExperimentIssue[]
} {
  const issues: ExperimentIssue[] = []
  const { memory } = value.machine
  if (memory > MAX_MEMORY)
    issues.push({ path: ['machine', 'memory'], message: 'more than the 2^52 bytes that x86-64 can address' })
  if (memory < MEMORY_MIN) issues.push({ path: ['machine', 'memory'], message: 'less than 128MiB: the guest cannot start' })
  if (memory % QEMU_RAM_UNIT !== 0)
    issues.push({ path: ['machine', 'memory'], message: 'not a multiple of 8KiB, which QEMU rounds RAM to' })
  const nodes = typeof value.machine.nodes === 'number' ? splitEvenly(memory, value.machine.nodes) : value.machine.nodes
  const larger = nodes.findIndex((node) => node.memory > memory)
  const total = nodes.reduce((sum, node) => sum + node.memory, 0)
  if (larger >= 0)
    issues.push({
      path: ['machine', 'nodes', larger, 'memory'],
      message: `node ${larger} has ${nodes[larger]?.memory ?? 0} bytes, more than the machine's ${memory}`,
    })
  else if (total !== memory)
    issues.push({ path: ['machine', 'nodes'], message: `the nodes have ${total} bytes together, the machine ${memory}` })
  const kernels = Array.isArray(value.kernel)
    ? value.kernel
    : Array.from({ length: value.hops + 1 }, () => value.kernel as KernelChoice)
  if (kernels.length !== value.hops + 1) {
    issues.push({
      path: ['kernel'],
      message: `${kernels.length} kernels for ${value.hops + 1} boots (the first boot and ${value.hops} hops)`,
    })
  }
  kernels.forEach((kernel, index) => {
    const key = Array.isArray(value.kernel) ? ['kernel', index] : ['kernel']
    if ((kernel.initrdPadding ?? 0) > PADDING_MAX)
      issues.push({ path: [...key, 'initrdPadding'], message: 'more than 1GiB: no boot loader takes such an initrd' })
    if (kernel.release !== undefined && kernel.image !== undefined) {
      issues.push({ path: key, message: 'give release or image, not both' })
    }
  })
  const { workload, issues: workloadIssues } = completeWorkload(value.workload, value.hops)
  issues.push(...workloadIssues)
  const { selftest } = value
  if (selftest !== undefined && selftest !== 'liveupdate/liveupdate' && value.hops < 1)
    issues.push({ path: ['selftest'], message: `${selftest} needs a hop: it looks for its data after a kexec` })
  if (selftest?.startsWith('liveupdate/') === true && !value.kho.liveupdate)
    issues.push({ path: ['kho', 'liveupdate'], message: `the selftest ${selftest} needs liveupdate: true` })
  issues.push(...faultIssues(value.faults, value.hops))
  if (!value.kho.liveupdate && workload.some((steps) => steps.some(isLuoStep)))
    issues.push({ path: ['kho', 'liveupdate'], message: 'the workload has LUO steps, which need liveupdate: true' })
  if (issues.length > 0) return { issues }
  return {
    issues,
    experiment: {
      name: value.name,
      description: value.description,
      machine: { type: value.machine.type, memory, cpus: value.machine.cpus, nodes },
      kernels,
      kho: value.kho,
      reserveMem: value.reserveMem,
      hugepages: value.hugepages,
      accelerator: value.accelerator,
      seed: value.seed,
      workload,
      faults: value.faults,
      ...(value.selftest === undefined ? {} : { selftest: value.selftest }),
      hops: value.hops,
    },
  }
}

/** Even shares in whole MiB, the rest to the last node. */
function splitEvenly(memory: Bytes, count: number): { memory: Bytes }[] {
  const share = memory / count - ((memory / count) % (1024 * 1024))
  return Array.from({ length: count }, (_unused, index) => ({
    memory: bytes(index === count - 1 ? memory - share * (count - 1) : share),
  }))
}
