import type { Basis, Experiment, KernelFacts, PredictedClaim, Prediction, Subject } from '../shared/documents/index.ts'
import { bootsOf, contextOf, NOTHING_SUPPOSED } from './boots.ts'
import { kho, khoDebugfs, luo, memblock, qemu, unpredicted, version, x86Setup } from './claim.ts'
import { ramSpans, toRange } from './firmware-map.ts'
import { MODEL_VERSION, predict } from './predict.ts'

/** What the arguments of a machine that the lab did not start say about it. */
export interface AttachedMachine {
  /** Undefined where the arguments name a type or a size that the model does not know. */
  readonly machine: Experiment['machine'] | undefined
  /** The first boot, where the arguments name its kernel and command line; else why there is none to predict. */
  readonly boot: { readonly kernel: KernelFacts; readonly cmdline: string } | { readonly unknown: string }
  readonly accelerator: Experiment['accelerator']
  /** False when nobody in the guest can be asked: then what only the guest could show is not claimed. */
  readonly guestAnswers: boolean
}

/**
 * What a running machine must show, from its arguments and kernel file alone. What programs and modules in the guest
 * preserve, or what its devices and firmware add, no argument says, so that is unpredicted.
 */
export function predictAttached(attached: AttachedMachine, experimentSha256: string): Prediction {
  const { boot, machine } = attached
  const claims = 'unknown' in boot || machine === undefined ? [] : firstBootClaims(attached, machine, boot)
  const made = claims.length > 0 ? claims : claimsWithoutKernel(machine, 'unknown' in boot ? boot.unknown : NO_MACHINE)
  return {
    document: 'kho-lab/prediction',
    version: 1,
    experimentSha256,
    model: { version: MODEL_VERSION },
    kernels: 'unknown' in boot ? [] : [boot.kernel],
    cmdlines: 'unknown' in boot ? [] : [boot.cmdline],
    claims: made.filter(({ subject, family }) => attached.guestAnswers || (family !== 'loader' && !GUEST_ONLY.includes(subject))),
  }
}

/**
 * The same claims for a machine that has gone through a kexec since: its arguments then no longer say which kernel runs, with
 * which command line. What they say about RAM, and what no kernel may do, stays.
 */
export function predictionAfterKexec(prediction: Prediction, why: string): Prediction {
  return {
    ...prediction,
    claims: prediction.claims.map((claim) =>
      LASTING.includes(claim.subject) || claim.prediction.kind === 'unpredicted'
        ? claim
        : { ...claim, prediction: unpredicted(why) },
    ),
  }
}

const NO_MACHINE = 'the arguments name no machine whose layout the model knows'
const LASTING: readonly string[] = [
  'firmware.ram',
  'invariant.preserved-outside-scratch',
  'invariant.addresses-inside-ram',
  'invariant.lengths-agree',
]
/** Subjects that the host has no view of. */
const GUEST_ONLY: readonly string[] = ['boot.cmdline', 'boot.kho', 'firmware.map', 'debugfs.outFdt']

const INSIDE = 'what programs and modules in the guest preserve, the arguments of the machine do not say'
const LOADER = 'depends on the firmware and the version of QEMU, which the lab did not choose'
const MASKED: Readonly<Record<string, string>> = {
  'loader.kernel': LOADER,
  'loader.initrd': LOADER,
  'loader.cmdline': LOADER,
  'loader.setupData': LOADER,
  'loader.bootParams': LOADER,
  'firmware.map': 'depends on the devices and the firmware, which the model knows for machines that the lab starts',
  'scratch.addresses': 'depends on every early reservation, and so on devices and firmware that the lab did not choose',
  'tree.root': INSIDE,
  'tree.bytes': INSIDE,
  'preserved.records': INSIDE,
  'preserved.radix': INSIDE,
  'debugfs.outFdt': INSIDE,
}

function firstBootClaims(
  { accelerator }: AttachedMachine,
  machine: Experiment['machine'],
  { kernel, cmdline }: { readonly kernel: KernelFacts; readonly cmdline: string },
): readonly PredictedClaim[] {
  const experiment: Experiment = {
    name: 'attached',
    machine,
    kernels: [{ cmdline }],
    commandLine: cmdline,
    kho: { enabled: false, liveupdate: false },
    reserveMem: [],
    accelerator,
    hops: 0,
    seed: 0,
    workload: [],
    faults: [],
  }
  const [boot] = bootsOf(experiment, contextOf(experiment, [kernel]), NOTHING_SUPPOSED)
  // What the model does not know of this release, it does not know of this machine either.
  if (boot === undefined || boot.kho.kind === 'unknown') return []
  const { claims } = predict(experiment, [kernel], { experimentSha256: '' })
  return claims.filter(isNotOfRunningMemory).map((claim) => {
    const masked = MASKED[claim.subject] ?? (isScheduledSize(claim) ? MASKED['scratch.addresses'] : undefined)
    return masked === undefined ? claim : { ...claim, prediction: unpredicted(masked), finding: undefined }
  })
}

/** What memory a kernel has in the end hangs on devices and firmware altogether. */
const isNotOfRunningMemory = ({ family, subject }: PredictedClaim): boolean =>
  !['zone', 'memblock', 'log', 'iomem', 'hugetlb'].includes(family) &&
  !['firmware.e820', 'invariant.buddy-within-managed'].includes(subject)

/** Sizes that kho_scratch= gives are known; those that follow from the early reservations are not. */
const isScheduledSize = ({ subject, prediction }: PredictedClaim): boolean =>
  subject === 'scratch.sizes' && prediction.kind !== 'value'

/** What a reader looks for in any machine with KHO, and the three invariants, which hold for every kernel. */
function claimsWithoutKernel(machine: Experiment['machine'] | undefined, why: string): readonly PredictedClaim[] {
  const open = (subject: Subject, title: string, basis: readonly Basis[]): PredictedClaim =>
    made(subject, title, basis, unpredicted(why))
  const none = { kind: 'value' as const, value: { violations: [] } }
  return [
    open('boot.release', 'Release of the running kernel', version('linux_banner')),
    open('boot.cmdline', 'Command line of the running kernel', x86Setup('setup_arch')),
    open('boot.kho', 'KHO is on and has its debugfs directory', kho('kho_init')),
    made(
      'firmware.ram',
      'RAM below and above 4 GiB',
      qemu('hw/i386/pc.c', 'pc_memory_init'),
      machine === undefined
        ? unpredicted(NO_MACHINE)
        : {
            kind: 'value',
            value: ramSpans(machine.type, machine.memory)
              .map(toRange)
              .map(({ start, end }) => ({ start, end })),
          },
    ),
    open('scratch.count', 'Number of scratch regions', kho('kho_reserve_scratch')),
    open('scratch.sizes', 'Sizes of the scratch regions', kho('scratch_size_update')),
    open('scratch.addresses', 'Addresses of the scratch regions', kho('kho_reserve_scratch')),
    open('tree.root', 'Root FDT: sub nodes, newest first', kho('kho_add_subtree')),
    open('tree.kexec-metadata', 'Release and number of kexecs that the next kernel is told', kho('kho_out_kexec_metadata')),
    open('tree.memblock', 'Names and sizes of the reserve_mem regions', memblock('prepare_kho_fdt')),
    open('tree.LUO', 'Live update state of this boot', luo('luo_state_setup')),
    open('debugfs.outFdt', 'debugfs shows the root FDT as out/fdt', khoDebugfs('kho_debugfs_init')),
    open('preserved.records', 'Every preserved page of this boot', kho('kho_radix_add_key')),
    made('invariant.preserved-outside-scratch', 'No preserved page lies in scratch', kho('kho_preserve_folio'), none),
    made('invariant.addresses-inside-ram', 'Every address in the tree lies in RAM', kho('kho_add_subtree'), none),
    made('invariant.lengths-agree', 'Lengths that say the same agree', kho('kho_out_fdt_setup'), none),
  ]
}

const made = (
  subject: Subject,
  title: string,
  basis: readonly Basis[],
  prediction: PredictedClaim['prediction'],
): PredictedClaim => ({
  id: `hop0.${subject}`,
  subject,
  family: subject.slice(0, subject.indexOf('.')),
  hop: 0,
  title,
  basis: [...basis],
  prediction,
})
