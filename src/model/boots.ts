import type { Experiment, Fault, KernelFacts, SubjectValues } from '../shared/documents/index.ts'
import { isMemoryStep } from '../shared/documents/index.ts'
import { behaviourOf, builtWithout, rulesMissing, whyScheduleUnknown, type Behaviour } from './behaviour.ts'
import { firstBootFits, possibleProcessors } from './boot/first-boot.ts'
import { isRandom } from './boot/kaslr.ts'
import { commandLine } from './command-line.ts'
import { nodesWithMemory, ramSpans, whyRamUnknown } from './firmware-map.ts'
import { luoPlan, type LuoPlan } from './luo/plan.ts'
import type { SessionPlan } from './luo/operations.ts'
import { kernelOptions, type KernelOptions } from './kernel-options.ts'
import { memoryOf, plainMachine } from './memory-rules.ts'
import { Once } from './once.ts'
import type { RuleContext } from './rule.ts'
import { scratchFit } from './scratch-fit.ts'
import { planBoot, type BootPlan } from './workload/plan.ts'
import { mayLeave, type PlannedSet } from './workload/planned-set.ts'

/** What the model knows of one boot before it makes claims about it. */
export interface Boot {
  readonly hop: number
  readonly context: RuleContext
  readonly experiment: Experiment
  readonly kernel: KernelFacts
  readonly cmdline: string
  readonly options: KernelOptions
  readonly kho: KhoState
  /**
   * Why the RAM and nodes that the kernel sees, in this boot or in the one that reserved scratch, are not those of the machine.
   */
  readonly memoryUnknown?: string
  /** What the lab does to the handover on the way into this boot. */
  readonly fault?: Fault
  /** What the LUO steps of this boot come to. */
  readonly luo: LuoPlan
  /** How this boot dies, where it does; there is none after it. */
  readonly death?: Death
  /** What the workload does in this boot. */
  readonly plan: BootPlan
  readonly previous?: Boot
}

type Death = Exclude<SubjectValues['boot.outcome'], { readonly how: 'handover' | 'no-handover' }>

type KhoState = KhoOn | KhoOff | KhoUnknown

/** The next kernel gets a handover. */
export interface KhoOn {
  readonly kind: 'on'
  readonly behaviour: Behaviour
  /** False where it is one of two possibilities: whether scratch fits is not known before the guest has drawn its places. */
  readonly certain: boolean
  /** What follows from it is claimed under the condition that it is so. */
  readonly supposed: boolean
  /** This kernel was itself given a handover: its scratch and its counts continue. */
  readonly received: boolean
  /** The kexec_count that this kernel writes. */
  readonly kexecCount: number
  /** The liveupdate_num that this kernel writes when liveupdate=on. */
  readonly liveupdateNumber: number
  readonly regions: RegionsState
}

/**
 * What becomes of the reserve_mem regions of this boot. `revived`: each is one of the boot before, or there was no handover; all are
 * handed over. Otherwise a new one may lie inside scratch, and then none is: `kept` or `refused` is supposed, `open` not decided.
 */
type RegionsState = 'revived' | 'kept' | 'refused' | 'open'

interface KhoOff {
  readonly kind: 'off'
  readonly why: 'asked' | 'built' | 'scratch'
  /** As above. */
  readonly certain: boolean
  /** This kernel was given a handover all the same: `kho=` only decides about producing one. */
  readonly received: boolean
}

interface KhoUnknown {
  readonly kind: 'unknown'
  readonly reason: string
}

export const contextOf = (experiment: Experiment, kernels: readonly KernelFacts[]): RuleContext => ({
  kernels,
  cmdlines: kernels.map((_kernel, hop) => commandLine(experiment, hop)),
  once: new Once(),
})

/** What is taken to be so in boots that leave it open, by hop. */
export interface Supposed {
  /** Whether scratch fits; it does in boots that are not named. */
  readonly fits: ReadonlyMap<number, boolean>
  /** Whether reserve_mem regions that the boot before did not have are handed over. */
  readonly regions: ReadonlyMap<number, boolean>
}

export const NOTHING_SUPPOSED: Supposed = { fits: new Map(), regions: new Map() }

/** Boot 0 and every hop, in order, up to one that dies. `context` has one kernel and command line per boot. */
export function bootsOf(experiment: Experiment, context: RuleContext, supposed: Supposed): readonly Boot[] {
  const { machine } = experiment
  const { kernels, cmdlines } = context
  const widest = Math.max(...ramSpans(machine.type, machine.memory).map(({ start, end }) => end - start))
  const boots: Boot[] = []
  for (const [hop, kernel] of kernels.entries()) {
    const previous = boots[hop - 1]
    const cmdline = cmdlines[hop] ?? ''
    const options = kernelOptions(cmdline, widest)
    const fault = experiment.faults.find((candidate) => candidate.hop === hop)
    const kho = khoState(experiment, kernel, { context, options, fault }, previous, {
      fits: supposed.fits.get(hop),
      regions: supposed.regions.get(hop),
    })
    const luo = luoPlan(experiment.workload[hop] ?? [], incomingSessions(kho, options, previous), experiment.seed)
    const death = deathOf(fault, kho, previous)
    const memoryUnknown =
      options.changesMemory === undefined
        ? previous?.memoryUnknown
        : `${options.changesMemory} on the command line changes the memory that the kernel sees, which is not modelled`
    boots.push({
      hop,
      context,
      experiment,
      kernel,
      cmdline,
      options,
      kho,
      luo,
      plan: planBoot((experiment.workload[hop] ?? []).filter(isMemoryStep), handedOver(kho, previous), {
        kho: kho.kind === 'on',
        checksScratch: kernel.checksScratch,
        nodesWithMemory: memoryUnknown === undefined ? nodesWithMemory(machine) : undefined,
        scratchRegions: nodesWithMemory(machine).length + 2,
      }),
      ...(memoryUnknown === undefined ? {} : { memoryUnknown }),
      ...(fault === undefined ? {} : { fault }),
      ...(death === undefined ? {} : { death }),
      ...(previous === undefined ? {} : { previous }),
    })
    if (death !== undefined) break
  }
  return boots
}

/** Sets that khoprobe of this boot finds: it asks kho_retrieve_subtree(), which knows no handover that was not taken. */
const handedOver = (kho: KhoState, previous: Boot | undefined): readonly PlannedSet[] =>
  kho.kind !== 'unknown' && kho.received && previous !== undefined ? previous.plan.left.filter(mayLeave) : []

/**
 * kho_populate() (7.3) takes any root that is not 0; kho_extend_scratch() then walks from it without a check, in
 * mm_core_init_early(). A page fault there has nobody to be handed to: make_task_dead() (kernel/exit.c) panics for pid 0. A
 * pointer that is no address at all is a general protection fault, for which there is no handler yet:
 * early_fixup_exception() (arch/x86/mm/extable.c) prints the registers and halts.
 */
function deathOf(fault: Fault | undefined, kho: KhoState, previous: Boot | undefined): Death | undefined {
  if (kho.kind !== 'on' || !kho.received) return undefined
  if (fault?.fault === 'radix-root')
    return fault.at === 'garbage'
      ? { how: 'halted', at: '__kho_radix_walk_tree' }
      : { how: 'panic', message: 'Attempted to kill the idle task!' }
  return previous !== undefined && previous.luo.emptyBlocks > 0 ? { how: 'panic', message: LUO_PANIC } : undefined
}

/** luo_restore_fail() in liveupdate_early_init() (7.3), for the -EINVAL (22) of kho_block_set_restore(). */
const LUO_PANIC = 'The incoming tree failed to initialize properly [-22], disabling live update'

/** Sessions that this kernel can retrieve: LUO reads them whenever KHO is on, and shows them where live update is. */
const incomingSessions = (kho: KhoState, options: KernelOptions, previous: Boot | undefined): readonly SessionPlan[] =>
  kho.kind === 'on' && kho.received && options.liveupdate ? (previous?.luo.sessions ?? []) : []

function khoState(
  experiment: Experiment,
  kernel: KernelFacts,
  { context, options, fault }: Pick<Boot, 'context' | 'options' | 'fault'>,
  previous: Boot | undefined,
  supposed: { readonly fits: boolean | undefined; readonly regions: boolean | undefined },
): KhoState {
  const behaviour = behaviourOf(kernel.release)
  if (behaviour === undefined) return { kind: 'unknown', reason: rulesMissing(kernel.release) }
  if (builtWithout(kernel)) return { kind: 'off', why: 'built', certain: true, received: false }
  const before = previous?.kho
  if (before?.kind === 'unknown') {
    return { kind: 'unknown', reason: `what boot ${previous?.hop ?? 0} hands over is not known: ${before.reason}` }
  }
  const given =
    before?.kind === 'on' && passedCompatible(before.behaviour, fault) === behaviour.khoCompatible ? before : undefined
  if (!options.kho) return { kind: 'off', why: 'asked', certain: true, received: given !== undefined }
  if (given !== undefined && previous !== undefined) return continued(behaviour, given, options, previous, supposed.regions)
  const exact = previous === undefined ? exactFit(experiment, context, behaviour.scratchAlignment) : undefined
  const fit = exact ?? scratchFit(experiment.machine, options, kernel, behaviour.scratchAlignment)
  const certain = fit !== 'undecided'
  if (fit === 'impossible' || (!certain && supposed.fits === false))
    return { kind: 'off', why: 'scratch', certain, received: false }
  return {
    kind: 'on',
    behaviour,
    certain,
    supposed: supposed.fits !== undefined,
    received: false,
    kexecCount: 1,
    liveupdateNumber: 1,
    regions: 'revived',
  }
}

/** What the root FDT says when the next kernel reads it; undefined where none is passed. */
function passedCompatible({ khoCompatible }: Behaviour, fault: Fault | undefined): string | undefined {
  switch (fault?.fault) {
    case 'kexec-load':
      return undefined
    case 'compatible':
      return fault.value
    case 'radix-root':
    case undefined:
      return khoCompatible
  }
}

/** From the schedule of the first boot, where nothing in it is left to chance. */
function exactFit(experiment: Experiment, context: RuleContext, scratchAlignment: number): 'fits' | 'impossible' | undefined {
  const { machine, accelerator } = experiment
  const [kernel] = context.kernels
  const [cmdline = ''] = context.cmdlines
  const build = kernel?.build
  if (kernel === undefined || build === undefined || isRandom({ build, cmdline })) return undefined
  if (whyRamUnknown(experiment) !== undefined || whyScheduleUnknown(kernel.release) !== undefined) return undefined
  const fits =
    accelerator === 'tcg'
      ? fitsUnderTcg(experiment, context)
      : firstBootFits(
          { machine, build, initrdSize: kernel.initrdSize, cmdline, scratchAlignment },
          kernel.header.prefAddress,
          possibleProcessors(accelerator, cmdline),
        )
  return fits === undefined ? undefined : fits ? 'fits' : 'impossible'
}

function fitsUnderTcg({ machine }: Experiment, context: RuleContext): boolean | undefined {
  const memory = memoryOf({ hop: 0, machine: plainMachine(machine), start: 'firmware', restored: [] }, {}, context)
  return memory.ok ? memory.value.booted.scratch?.ok : undefined
}

/**
 * kho_in_kexec_metadata() and luo_early_startup() (7.3) read the counts, reserve_mem_kho_revive() the regions of the boot
 * before.
 */
function continued(behaviour: Behaviour, given: KhoOn, options: KernelOptions, previous: Boot, kept: boolean | undefined): KhoOn {
  return {
    kind: 'on',
    behaviour,
    certain: given.certain || given.supposed,
    supposed: false,
    received: true,
    kexecCount: given.kexecCount + 1,
    liveupdateNumber: previous.options.liveupdate ? given.liveupdateNumber + 1 : 1,
    regions: allRevived(options, previous) ? 'revived' : kept === undefined ? 'open' : kept ? 'kept' : 'refused',
  }
}

const allRevived = ({ reserveMem }: KernelOptions, previous: Boot): boolean =>
  reserveMem.every(({ name, size, align }) =>
    handedRegions(previous).some((region) => region.name === name && region.size === size && region.align % align === 0),
  )

/** The reserve_mem regions that a boot hands over, as far as that is known. */
export const handedRegions = ({ kho, options }: Pick<Boot, 'kho' | 'options'>): KernelOptions['reserveMem'] =>
  kho.kind === 'on' && kho.regions !== 'refused' ? options.reserveMem : []
