import { z } from 'zod'
import { GiB, MiB, PAGE_SIZE } from '../units.ts'
import { POLICY_IDS, SWEEPABLE } from '../study-names.ts'
import { Size } from './size.ts'

export { POLICY_IDS, STUDY_MAP_KINDS } from '../study-names.ts'

export const PolicyId = z.enum(POLICY_IDS)
export type PolicyId = z.infer<typeof PolicyId>

const share = (usual: number, description: string): z.ZodDefault<z.ZodNumber> =>
  z.number().min(0).max(1).default(usual).meta({ description })
const count = (usual: number, most: number, description: string): z.ZodDefault<z.ZodInt> =>
  z.int().min(0).max(most).default(usual).meta({ description })

const StudyMachine = z
  .strictObject({
    memory: Size.prefault('16GiB').meta({ description: 'RAM; a multiple of 4 MiB, at most 2 TiB' }),
    nodes: z.int().min(1).max(8).default(1).meta({ description: 'NUMA nodes, RAM split evenly; boot regions lie in node 0' }),
    randomised: z
      .boolean()
      .default(true)
      .meta({ description: 'the direct map begins elsewhere at every boot (CONFIG_RANDOMIZE_MEMORY)' }),
  })
  .prefault({})

const StudyBoot = z
  .strictObject({
    image: Size.prefault('128MiB').meta({ description: 'kernel and initrd, which need one linear piece' }),
    footprint: Size.prefault('256MiB').meta({ description: 'early allocations beside the memory map' }),
    perFolio: z.int().min(0).max(65536).default(64).meta({ description: 'early bytes for each folio that is handed over' }),
    drivers: Size.prefault('64MiB').meta({ description: 'GFP_KERNEL memory that booting allocates before the machine is up' }),
    preservedDrivers: share(0.05, 'share of the driver folios that booting allocates, before all memory is there'),
    region: z
      .union([z.literal('auto'), Size])
      .default('auto')
      .meta({
        description: 'size of A, of B and of scratch; auto: twice what the first boot needs early, as kho_scratch=200% would',
      }),
  })
  .prefault({})

const StudyWorkload = z
  .strictObject({
    vmShare: share(0.4, 'share of RAM in VM memory'),
    vmFolio: z.enum(['2MiB', '1GiB']).default('2MiB').meta({ description: 'order-9 or order-18 folios' }),
    vmPinned: share(
      1,
      'share of VM folios that are pinned as soon as they are allocated (VFIO); the others when they are handed over',
    ),
    driverFolios: count(2000, 10_000_000, 'small folios of driver state that are handed over'),
    driverFixed: share(0.5, 'share of them that a device or a pointer holds in place'),
    iommuPages: count(2000, 10_000_000, 'page-table pages that are handed over, order 0'),
    marked: share(1, 'share of all small folios for which the code that allocates them knows that they will be handed over'),
    slabShare: share(0.03, 'share of RAM in long-lived slab and kernel page tables'),
    cacheShare: share(0.3, 'share of RAM in page cache and anonymous memory that is not handed over'),
    churn: count(20_000, 100_000_000, 'allocations and frees of cache and slab per generation'),
    turnover: share(0.1, 'share of the handed-over folios that is freed and allocated anew per generation'),
    growth: z
      .number()
      .min(0)
      .max(2)
      .default(0.02)
      .meta({ description: 'growth of the handed-over set per generation; 0.02: two percent' }),
  })
  .prefault({})

/** A policy study as a person writes it: one machine, one workload, and what is varied. */
export const StudyFile = z
  .strictObject({
    name: z.string().min(1).max(120),
    description: z.string().optional(),
    policies: z
      .array(PolicyId)
      .min(1)
      .default([...POLICY_IDS]),
    generations: z.int().min(1).max(1000).default(20),
    seeds: z.int().min(1).max(1000).default(3).meta({ description: 'how many seeds, counted from 1' }),
    machine: StudyMachine,
    boot: StudyBoot,
    zoneSwitch: z
      .enum(['zone', 'milder'])
      .default('zone')
      .meta({ description: 'zone-switch: become ZONE_MOVABLE, or only take no more unmovable pages' }),
    workload: StudyWorkload,
    start: z
      .strictObject({
        run: z
          .string()
          .min(1)
          .max(4096)
          .meta({ description: 'folder of a run, relative to the study file; on a page also the id of one of its runs' }),
        boot: z.int().min(0).max(50).default(0).meta({ description: 'which of its boots: 0 the first, 1 after the first kexec' }),
      })
      .optional()
      .meta({
        description:
          'generation 0 is what this real guest showed: its free lists, scratch and preserved pages; machine.memory and nodes follow from it',
      }),
    vary: z
      .strictObject({
        parameter: z.enum(SWEEPABLE),
        values: z
          .array(z.union([z.number(), Size]))
          .min(1)
          .max(50),
      })
      .optional()
      .meta({ description: 'runs everything once for each value of one parameter' }),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/study.json', title: 'kho-lab policy study' })

export type Study = z.output<typeof StudyFile>

/** What one simulation needs: a study without what is varied over. */
export type StudyCase = Pick<Study, 'machine' | 'boot' | 'workload' | 'zoneSwitch'>

/** Where a handover failed. */
export const FailedStep = z.enum([
  'to-kho-refused',
  'load-image',
  'no-linear-destination',
  'target-not-empty',
  'boot-memory',
  'overwritten',
  'out-of-memory',
])
export type FailedStep = z.infer<typeof FailedStep>

/** One policy, seed and generation. Sizes in bytes; `cost` in copies of one frame, see docs/policies.md. */
export const StudyRow = z.object({
  policy: PolicyId,
  /** The varied parameter's value, where the study varies one. */
  value: z.number().optional(),
  seed: z.int(),
  generation: z.int(),
  possible: z.boolean(),
  failedStep: FailedStep.optional(),
  preservedBytes: z.int(),
  preservedFolios: z.int(),
  overwrittenFrames: z.int(),
  refusedFolios: z.int(),
  /** Longest stretch without an allocated page, and without a handed-over one. */
  largestFree: z.int(),
  largestWithoutPreserved: z.int(),
  copiedBytes: z.int(),
  migratedFrames: z.int(),
  heldBack: z.int(),
  bootAvailable: z.int(),
  bootNeeded: z.int(),
  allocationFailures: z.int(),
  /** Handed-over folios whose address in the direct map is another one in the next kernel. */
  movedAddresses: z.int(),
  cost: z.number(),
  /** Free blocks of order 0 to 10 just before the kexec. */
  freeByOrder: z.array(z.int()),
})
export type StudyRow = z.infer<typeof StudyRow>

/** What of one folio came through alloc_pages, to_kho, kexec, from_kho and folio_put. */
export const StudyPrimitive = z.object({
  policy: PolicyId,
  failedStep: FailedStep.optional(),
  order: z.boolean().optional(),
  refcount: z.boolean().optional(),
  gfp: z.boolean().optional(),
  frame: z.boolean().optional(),
  address: z.boolean().optional().meta({ description: 'same address in the direct map; never where that is randomised' }),
  put: z.boolean().optional(),
})
export type StudyPrimitive = z.infer<typeof StudyPrimitive>

const StudyRange = z.object({ start: z.int(), size: z.int() })

/** What lay where just before one kexec. Bytes. */
export const StudyMap = z.object({
  policy: PolicyId,
  value: z.number().optional(),
  seed: z.int(),
  generation: z.int(),
  /** RAM. */
  memory: z.int(),
  /** Boot regions, and which of them this kernel runs in. */
  regions: z.array(StudyRange),
  running: z.int(),
  /** Where the next kernel boots; empty when it cannot. */
  early: z.array(StudyRange),
  /** For each of equal pieces of memory one digit of base 36 per kind: its share, 0 none, z all. */
  shares: z.string(),
})
export type StudyMap = z.infer<typeof StudyMap>

/** One policy with one seed, and one value of what is varied. */
const StudyRunId = z.object({ policy: PolicyId, value: z.number().optional(), seed: z.int() })

/** What `kho-lab simulate --json` prints. */
export const StudyResult = z
  .object({
    study: z.string(),
    generations: z.int(),
    seeds: z.int(),
    vary: z.string().optional(),
    rows: z.array(StudyRow),
    /** Simulations that were cancelled before their end, or before they began; `rows` has the generations that were done. */
    unfinished: z.array(StudyRunId).optional(),
    primitives: z.array(StudyPrimitive),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/study-result.json', title: 'kho-lab policy study result' })
export type StudyResult = z.infer<typeof StudyResult>

export interface StudyIssue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const BLOCK = 4 * MiB
const SMALLEST = 1 * GiB
/** Mean size of a folio of driver state (DRIVER_ORDERS, src/model/policy/workload.ts). */
const DRIVER_FOLIO = (18 / 7) * PAGE_SIZE
/** The largest machine that two cores and their memory can hold. */
const LARGEST = 2048 * GiB

/** What no single key can be blamed for by the schema: parameters that cannot be true together. */
export function impossibleIn({ machine, boot, workload }: StudyCase): readonly StudyIssue[] {
  const issues: StudyIssue[] = []
  const add = (path: StudyIssue['path'], message: string): void => void issues.push({ path, message })
  const perNode = machine.memory / machine.nodes
  if (machine.memory > LARGEST) add(['machine', 'memory'], 'more than 2TiB: the model keeps an array entry for each page')
  if (perNode % BLOCK !== 0)
    add(['machine', 'memory'], 'each node must have a multiple of 4MiB, the largest block of the buddy allocator')
  if (perNode < SMALLEST) add(['machine', 'memory'], 'less than 1GiB in a node')
  const used = workload.vmShare + workload.slabShare + workload.cacheShare
  if (used > 0.95)
    add(['workload'], `vmShare, slabShare and cacheShare are ${Math.round(used * 100)} % of RAM together; at most 95 %`)
  const small = (workload.driverFolios * DRIVER_FOLIO + workload.iommuPages * PAGE_SIZE) / machine.memory
  if (used <= 0.95 && used + small > 0.95)
    add(
      ['workload'],
      `driverFolios and iommuPages are ${Math.round(small * 100)} % of RAM beside ${Math.round(used * 100)} % in VM memory, slab and cache; at most 95 % together`,
    )
  if (boot.image < MiB) add(['boot', 'image'], 'less than 1MiB: no kernel is that small')
  if (boot.drivers > machine.memory / 4) add(['boot', 'drivers'], 'more than a quarter of RAM')
  if (boot.image + boot.footprint > machine.memory / 4) add(['boot'], 'image and footprint need more than a quarter of RAM')
  if (typeof boot.region === 'number' && boot.region > perNode / 4)
    add(['boot', 'region'], 'A and B would take more than half of node 0')
  if (typeof boot.region === 'number' && boot.region % BLOCK !== 0) add(['boot', 'region'], 'not a multiple of 4MiB')
  if (workload.vmFolio === '1GiB' && perNode < 4 * GiB) add(['workload', 'vmFolio'], '1GiB folios in a node of less than 4GiB')
  return issues
}

/** The study's case with one parameter set. `parameter` is one of {@link SWEEPABLE}; the result is checked against the schema again. */
export function withParameter(study: StudyCase, parameter: (typeof SWEEPABLE)[number], value: number): StudyCase {
  const [group, key] = parameter.split('.') as ['machine' | 'boot' | 'workload', string]
  const schema = { machine: StudyMachine, boot: StudyBoot, workload: StudyWorkload }[group]
  return { ...study, [group]: schema.parse({ ...study[group], [key]: value }) }
}
