import type { Machine, NextKernel } from '../../guest/machine.ts'
import { type Capture, DMESG_FILE, captureGuest, captureLog } from '../../guest/observe/capture.ts'
import type { KernelSymbols } from '../../guest/observe/address-space.ts'
import { decodeGuestView, decodeKexecSegments } from '../../guest/observe/guest-view.ts'
import { observeHost, radixViewAt } from '../../guest/observe/host-view.ts'
import { readLuoIncoming } from '../../guest/observe/luo-incoming.ts'
import { hashRecords, hashUnits } from '../../guest/observe/record-hashes.ts'
import type { ControlWatch } from '../../guest/observe/control-watch.ts'
import { runWorkload } from '../../guest/khoprobe/driver.ts'
import type { RawStore } from '../../guest/observe/raw-store.ts'
import { injectFault } from '../../guest/inject.ts'
import {
  isMemoryStep,
  notSeen,
  seen,
  type Fault,
  type HopObservation,
  type HostView,
  type InjectedFault,
  type LuoIncoming,
  type PageFacts,
  type Reading,
  type WorkloadObservation,
  type WorkloadStep,
  type Selftest,
} from '../../shared/documents/index.ts'
import { LabError, err } from '../../shared/result.ts'
import { GiB, PAGE_SIZE, formatSize, fromHex, physAddr, roundDown } from '../../shared/units.ts'
import type { LuoCall } from '../../model/luo/operations.ts'
import { marksNow, structPagesOf, takenBackNow, type PageKernel } from './page-marks.ts'
import { carryOutLuo } from './luo-steps.ts'
import { runSelftest } from './selftest.ts'
import type { FolderRawStore } from './folder-raw-store.ts'
import { handedOverRecords } from './handed-over.ts'

export interface BootContext {
  readonly machine: Machine
  readonly cpus: number
  /** Of the kernel of each boot. */
  readonly symbols: readonly KernelSymbols[]
  readonly pageFacts: readonly (PageFacts | undefined)[]
  /** Of the experiment: patterns follow from it. */
  readonly seed: number
  readonly raw: FolderRawStore
  /** Steps of each boot. */
  readonly workload: readonly (readonly WorkloadStep[])[]
  readonly control: ControlWatch
  readonly signal?: AbortSignal
  readonly onStep: (hop: number, text: string) => void
  /** What of a workload is done, after each step. */
  readonly onWorkload: (hop: number, workload: WorkloadObservation) => void
}

/** Waits for a boot and reads everything of it, from inside and from outside. */
export async function observeBoot(
  context: BootContext,
  hop: number,
  previous: HopObservation | undefined,
): Promise<HopObservation> {
  const { machine, signal, onStep } = context
  const { phases, hopPhases } = await machine.waitForBoot(hop)
  // First of all: what was preserved must not have changed, and only this early is nothing else to blame.
  const preservedAfter =
    previous?.host.preservedBefore === undefined ? undefined : hashAgain(machine, previous.host.preservedBefore)
  const control = context.control.end(machine.memory)
  const pages = await structPagesOf(machine, pageKernelOf(context, hop), previous)
  const marks = pages && previous && (await whileItStands(machine, () => marksNow(pages, previous)))
  const workload = await carriedOut(context, hop)
  const takenBack = pages && previous && (await whileItStands(machine, () => takenBackNow(pages, previous, workload)))
  const guest = decodeGuestView(await captureGuest(machine, { signal }), below(context.raw, `hop${hop}/guest`))
  onStep(
    hop,
    guest.khoDirectory.ok && !guest.khoDirectory.value
      ? 'the guest has no /sys/kernel/debug/kho'
      : 'read debugfs, /proc and the kernel log',
  )
  const host = await observeHost(machine, {
    hop,
    guest,
    signal,
    symbols: context.symbols[hop],
    cpus: context.cpus,
    raw: below(context.raw, `hop${hop}`),
    onProgress: scanProgress((text) => onStep(hop, text)),
  })
  onStep(hop, hostWords(host))
  const luoIncoming = incomingSessions(machine, previous, context.seed)
  return {
    hop,
    phases: phases.map(({ phase, ms }) => ({ phase, ms: Math.round(ms) })),
    ...(hopPhases === undefined ? {} : { hopPhases: hopPhases.map(({ phase, ms }) => ({ phase, ms: Math.round(ms) })) }),
    guest,
    host: {
      ...host,
      ...(preservedAfter === undefined ? {} : { preservedAfter }),
      ...(luoIncoming === undefined ? {} : { luoIncoming }),
      ...(control === undefined ? {} : { control: seen(control) }),
      ...(marks === undefined ? {} : { marks }),
      ...(takenBack === undefined ? {} : { takenBack }),
    },
    ...(workload === undefined ? {} : { workload }),
  }
}

const pageKernelOf = ({ symbols, pageFacts, cpus }: BootContext, hop: number): PageKernel => ({
  symbols: symbols[hop],
  pageFacts: pageFacts[hop],
  cpus,
})

/** Only where the boot before had LUO steps or a selftest: nothing else makes sessions. */
function incomingSessions(machine: Machine, previous: HopObservation | undefined, seed: number): LuoIncoming | undefined {
  if (previous?.luo === undefined && previous?.selftest === undefined) return undefined
  const records = handedOverRecords(previous.host)
  return records.ok ? readLuoIncoming(machine.memory, records.value, seed) : records
}

/** Does the LUO steps of a boot, and reads the tree of preserved memory once more. */
export async function doLuoSteps(context: BootContext, seen: HopObservation, calls: readonly LuoCall[]): Promise<HopObservation> {
  const { machine, onStep } = context
  if (calls.length === 0) return seen
  const luo = await carryOutLuo(machine, calls)
  onStep(seen.hop, luo.ok ? `did ${luo.value.length} LUO operations` : luo.reason)
  return { ...seen, luo, host: { ...seen.host, handedOver: await treeNow(machine, seen.host) } }
}

const treeNow = async (machine: Machine, { outRoot }: HostView): Promise<NonNullable<HostView['handedOver']>> =>
  outRoot.ok ? whileItStands(machine, () => radixViewAt(machine.memory, fromHex(outRoot.value.address))) : outRoot

/** Runs what the experiment's selftest has to do in this boot, and reads the tree of preserved memory once more. */
export async function doSelftest(
  context: BootContext,
  seen: HopObservation,
  selftest: Selftest | undefined,
): Promise<HopObservation> {
  const { machine, raw, onStep } = context
  const done = selftest === undefined ? undefined : await runSelftest(machine, raw, selftest, seen.hop)
  if (done === undefined) return seen
  onStep(seen.hop, done.ok ? `${done.value.command} ended with ${done.value.exitCode}` : done.reason)
  return { ...seen, selftest: done, host: { ...seen.host, handedOver: await treeNow(machine, seen.host) } }
}

/** Once any boot has steps, every boot is asked what it was left: also one that does nothing may have been left something. */
async function carriedOut(context: BootContext, hop: number): Promise<WorkloadObservation | undefined> {
  if (!context.workload.some((steps) => steps.some(isMemoryStep))) return undefined
  return runWorkload(context.machine, {
    hop,
    steps: (context.workload[hop] ?? []).filter(isMemoryStep),
    seed: context.seed,
    signal: context.signal,
    onStep: (text) => context.onStep(hop, text),
    onObserved: (workload) => context.onWorkload(hop, workload),
  })
}

/**
 * Loads the next kernel, keeps the kernel's list of its segments, hashes what is preserved and starts it. `onLoaded` gets
 * the observation of this boot with what loading showed, before the kexec. Rejects with LabError kexec-refused.
 */
export async function leaveBoot(
  context: BootContext,
  left: HopObservation,
  next: NextKernel,
  fault: Fault | undefined,
  onLoaded: (completed: HopObservation) => void,
): Promise<void> {
  const { machine, raw, onStep } = context
  try {
    await machine.loadKernel(fault?.fault === 'kexec-load' ? { ...next, loader: 'kexec_load' } : next)
  } catch (error) {
    onLoaded({ ...left, guest: { ...left.guest, kexecSegments: notSeen('the kernel did not load the next one') } })
    throw error
  }
  const log = await captureLog(machine, { signal: context.signal })
  keepLog(raw, left.hop, log)
  onStep(left.hop, 'loaded the next kernel')
  const { preservedBefore, injected } = await whileItStands(machine, () => ({
    preservedBefore: hashed(machine, left.host),
    injected: inject(machine, left.host, fault),
  }))
  context.control.begin(machine.memory, left)
  if (injected !== undefined) onStep(left.hop, `changed ${injected.what} at ${injected.address}`)
  onLoaded({
    ...left,
    guest: { ...left.guest, kexecSegments: decodeKexecSegments(log.text(DMESG_FILE)) },
    host: { ...left.host, preservedBefore },
    ...(injected === undefined ? {} : { injected }),
  })
  await machine.kexec()
}

/** The vCPUs stand still meanwhile, and run again afterwards whatever happens. */
async function whileItStands<T>(machine: Machine, act: () => T): Promise<T> {
  await machine.pause()
  try {
    return act()
  } finally {
    await machine.resume()
  }
}

/** Throws LabError fault-impossible: a run without its fault would say nothing about it. */
function inject({ memory }: Machine, { outRoot }: HostView, fault: Fault | undefined): InjectedFault | undefined {
  if (fault === undefined || fault.fault === 'kexec-load') return undefined
  const injected = outRoot.ok ? injectFault(memory, fromHex(outRoot.value.address), fault) : err(outRoot.reason)
  if (injected.ok) return injected.value
  throw new LabError({
    code: 'fault-impossible',
    message: `the fault ${fault.fault} of hop ${fault.hop} cannot be made: ${injected.error}`,
  })
}

function keepLog(raw: FolderRawStore, hop: number, log: Capture): void {
  const bytes = log.file(DMESG_FILE)
  if (bytes.ok) raw.put(`hop${hop}/guest/dmesg-after-load`, bytes.value)
}

function hashed({ memory }: Machine, host: HostView): HashedRecords {
  const records = handedOverRecords(host)
  if (!records.ok) return records
  const { outRoot, probeTable } = host
  const structures = outRoot.ok ? [outRoot.value.address, ...outRoot.value.subtrees.map(({ address }) => address)] : []
  const units = hashUnits(memory, records.value, {
    table: probeTable?.ok ? probeTable.value : undefined,
    structures: structures.map((address) => physAddr(roundDown(fromHex(address), PAGE_SIZE))),
  })
  return units.ok ? hashRecords(memory, units.value) : notSeen(units.error)
}

type HashedRecords = NonNullable<HostView['preservedBefore']>

const hashAgain = (machine: Machine, before: HashedRecords): HashedRecords =>
  before.ok
    ? hashRecords(
        machine.memory,
        before.value.map(({ record }) => record),
      )
    : notSeen(`not hashed before the kexec: ${before.reason}`)

const below = (raw: RawStore, prefix: string): RawStore => ({ put: (name, bytes) => raw.put(`${prefix}/${name}`, bytes) })

function hostWords({ outRoot, outRadix }: Pick<HostView, 'outRoot' | 'outRadix'>): string {
  if (!outRoot.ok) return `guest RAM: ${outRoot.reason}`
  const tree: Reading<{ readonly recordCount: number; readonly nodeCount: number }> = outRadix
  return tree.ok
    ? `guest RAM: KHO root at ${outRoot.value.address}, ${tree.value.recordCount} preserved records in ${tree.value.nodeCount} radix nodes`
    : `guest RAM: KHO root at ${outRoot.value.address}, ${tree.reason}`
}

/** A line per quarter, for guests whose RAM takes long to search. */
function scanProgress(tell: (text: string) => void): (done: number, total: number) => void {
  let quarter = 1
  return (done, total) => {
    if (total < 2 * GiB || done * 4 < quarter * total) return
    tell(`searched ${formatSize(done)} of ${formatSize(total)} of guest RAM`)
    quarter += 1
  }
}
