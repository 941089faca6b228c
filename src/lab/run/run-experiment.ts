import { makeRunKeys, type RunKeys } from '../../guest/image/run-cpio.ts'
import { ControlWatch } from '../../guest/observe/control-watch.ts'
import { startMachine } from '../../guest/start-machine.ts'
import { chooseAccelerator } from '../../guest/qemu/accelerator.ts'
import { reapLeftovers } from '../../guest/qemu/reap.ts'
import type { GuestImage, Progress } from '../../guest/types.ts'
import { bootsOf, contextOf, NOTHING_SUPPOSED } from '../../model/boots.ts'
import { predict } from '../../model/predict.ts'
import { resolve } from '../../model/resolve.ts'
import type { RunEvent } from '../../shared/contract.ts'
import type { Comparison, Experiment, PhaseName } from '../../shared/documents/index.ts'
import { toLabError } from '../../shared/result.ts'
import { addressSpaceSymbols, factsOf, imagesOf, initrdOf, paddingOf } from '../kernels.ts'
import { documentSha256 } from '../predict.ts'
import { SERIAL_LOG } from '../report.ts'
import { doLuoSteps, doSelftest, leaveBoot, observeBoot, type BootContext } from './boots.ts'
import { environmentOf } from './environment.ts'
import { EVENTS_FILE, EventLog } from './event-log.ts'
import { givensFrom } from './givens.ts'
import { LAB_VERSION } from './lab-version.ts'
import { openRunFolder, FAILURE_FILE, type RunFolder } from './run-folder.ts'
import { writeResults } from './results.ts'
import type { Gathered, Planned, RunOutcome, RunRequest } from './run-state.ts'

/**
 * The whole line for one experiment: predict, run, observe, compare, report. The prediction is on disk with its digest before
 * QEMU starts. A guest that dies, or a run that is cancelled, still leaves all documents with what was gathered; its verdict
 * is `lost`. Rejects with LabError only when nothing was started: out-unwritable, disk-full, bad-kernel, image-missing, cancelled.
 */
export async function runExperiment(asked: RunRequest): Promise<RunOutcome> {
  const startedAt = new Date().toISOString()
  const events = new EventLog()
  const tell = (event: RunEvent): void => asked.onEvent?.(events.stamped(event))
  const request: RunRequest = { ...asked, onEvent: tell }
  const { experiment } = request
  const folder = await openRunFolder({
    directory: request.out,
    name: experiment.name,
    startedAt,
    boots: experiment.kernels.length,
  })
  try {
    const planned = { ...(await plan(request, folder, startedAt)), events }
    const gathered: Gathered = {
      hops: [],
      resolutions: [],
      machine: undefined,
      hop: 0,
      phase: 'firmware',
      workload: undefined,
      lost: undefined,
    }
    try {
      await travel(planned, gathered)
    } catch (error) {
      gathered.lost = toLabError(error)
    }
    const comparison = await conclude(planned, gathered)
    tell({ type: 'finished', directory: folder.directory, summary: comparison.summary, findings: comparison.findings })
    return {
      directory: folder.directory,
      comparison,
      exitCode: exitCodeOf(comparison),
      ...(gathered.lost === undefined || comparison.lost === undefined ? {} : { lost: gathered.lost }),
    }
  } catch (error) {
    const failure = toLabError(error)
    // The reason for ending is worth more than the reason why it could not be written down.
    await Promise.allSettled([folder.writeJson(FAILURE_FILE, failure.toJSON()), folder.writeJson(EVENTS_FILE, events.document())])
    tell({ type: 'failed', error: { ...failure.toJSON(), evidence: [...failure.evidence] }, directory: folder.directory })
    throw failure
  }
}

/** Everything that is known and written before QEMU is spawned. */
async function plan(request: RunRequest, folder: RunFolder, startedAt: string): Promise<Omit<Planned, 'events'>> {
  const { experiment, signal } = request
  const say = (text: string): void => request.onEvent?.({ type: 'step', hop: 0, text })
  for (const { text } of await reapLeftovers()) say(text)
  const images = await imagesOf(experiment, { signal, onProgress: onceEach(say) })
  const [first] = images
  if (first === undefined) throw new RangeError('an experiment has at least one boot')
  const [facts, accelerator] = await Promise.all([
    factsOf(images, experiment),
    chooseAccelerator(experiment.accelerator, { kernel: first.kernel, signal }),
  ])
  const prediction = predict(experiment, facts, { experimentSha256: documentSha256(experiment) })
  const sealed = { sha256: documentSha256(prediction), at: new Date().toISOString() }
  await Promise.all([
    folder.writeText('experiment.yaml', request.source),
    folder.writeJson('experiment.json', experiment),
    folder.writeJson('prediction.json', prediction),
    folder.writeText('prediction.sha256', `${sealed.sha256}  prediction.json, canonical JSON, ${sealed.at}\n`),
  ])
  request.onEvent?.({ type: 'predicted', claims: prediction.claims.length, sha256: sealed.sha256 })
  return { request, folder, startedAt, images, accelerator, prediction, sealed }
}

/** Says each phase of a long preparation when it begins. */
function onceEach(say: (text: string) => void): (progress: Progress) => void {
  let last: string | undefined
  return ({ phase }) => {
    if (phase !== last) say((last = phase))
  }
}

/** From spawn to the observation of the last boot. */
async function travel(planned: Planned, gathered: Gathered): Promise<void> {
  const { request, folder, accelerator, prediction, images } = planned
  const { experiment, signal } = request
  const tell = request.onEvent ?? (() => undefined)
  signal?.throwIfAborted()
  const keys = makeRunKeys()
  const initrds = await initrdsOf(images, experiment, keys)
  const kernelOf = (hop: number) => ({
    kernel: images[hop]?.kernel ?? '',
    initrd: initrds[hop] ?? new Uint8Array(),
    cmdline: prediction.cmdlines[hop] ?? '',
  })
  const machine = await startMachine(
    { ...experiment.machine, ...kernelOf(0), accelerator: accelerator.used, keys, serialLog: folder.path(SERIAL_LOG) },
    {
      signal,
      onSerial: (text) => tell({ type: 'serial', text }),
      onQemuEvent: ({ event, data }) => tell({ type: 'qemu', event, data: JSON.stringify(data).slice(0, 2000) }),
      onPhase: ({ hop, phase, ms }) => {
        gathered.phase = nextPhase(phase)
        tell({ type: 'phase', hop, phase, ms })
      },
    },
  )
  gathered.machine = machine
  request.onMachine?.(machine)
  tell({ type: 'started', accelerator: accelerator.used, why: accelerator.why })
  if (!machine.guarded)
    tell({ type: 'step', hop: 0, text: 'setpriv is missing: if the lab is killed, the next start of the lab ends this QEMU' })
  const symbols = await Promise.all(images.map(addressSpaceSymbols))
  const luoCalls = bootsOf(experiment, contextOf(experiment, prediction.kernels), NOTHING_SUPPOSED).map(({ luo }) => luo.calls)
  const context: BootContext = {
    machine,
    seed: experiment.seed,
    cpus: experiment.machine.cpus,
    symbols,
    pageFacts: images.map(({ manifest }) => manifest.pageFacts),
    workload: experiment.workload,
    control: new ControlWatch(),
    raw: folder.raw,
    signal,
    onStep: (hop, text) => tell({ type: 'step', hop, text }),
    onWorkload: (_hop, workload) => (gathered.workload = workload),
  }
  for (let hop = 0; hop <= experiment.hops; hop++) {
    gathered.hop = hop
    const booted = await observeBoot(context, hop, gathered.hops.at(-1))
    gathered.hops.push(booted)
    gathered.workload = undefined
    const seen = await doSelftest(context, await doLuoSteps(context, booted, luoCalls[hop] ?? []), experiment.selftest)
    gathered.hops[hop] = seen
    // A lab that is killed leaves what happened up to the last boot.
    await folder.writeJson(EVENTS_FILE, planned.events.document())
    await request.hold?.(hop, hop === experiment.hops)
    if (hop === experiment.hops) break
    const fault = experiment.faults.find((candidate) => candidate.hop === hop + 1)
    await leaveBoot(context, seen, kernelOf(hop + 1), fault, (completed) => {
      gathered.hops[hop] = completed
      recordResolution(planned, gathered, hop)
    })
    gathered.hop = hop + 1
    gathered.phase = 'kernel'
  }
}

/** One per boot; boots with the same image and padding share theirs. */
async function initrdsOf(images: readonly GuestImage[], experiment: Experiment, keys: RunKeys): Promise<Uint8Array[]> {
  const made = new Map<string, Promise<Uint8Array>>()
  return Promise.all(
    images.map((image, hop) => {
      const padding = paddingOf(experiment, hop)
      const key = `${image.directory} ${padding}`
      const initrd = made.get(key) ?? initrdOf(image, keys.cpio, padding)
      made.set(key, initrd)
      return initrd
    }),
  )
}

/** What the rules say of all that was seen up to now: fixed before the kexec that puts it to the test. */
function recordResolution({ startedAt, accelerator, images, prediction }: Planned, gathered: Gathered, hop: number): void {
  const [image] = images
  if (image === undefined) return
  const environment = environmentOf({ startedAt, endedAt: startedAt, labVersion: LAB_VERSION, accelerator, image })
  const resolved = resolve(prediction, givensFrom({ environment, hops: gathered.hops }))
  gathered.resolutions.push({ hop, sha256: documentSha256(resolved), at: new Date().toISOString() })
}

const PHASES: readonly PhaseName[] = ['firmware', 'kernel', 'init', 'ssh', 'debugfs']
const nextPhase = (phase: PhaseName): PhaseName | undefined => PHASES[PHASES.indexOf(phase) + 1]

/** Stops the guest, whatever state it is in, and writes all documents and reports. */
async function conclude(planned: Planned, gathered: Gathered): Promise<Comparison> {
  const { machine } = gathered
  try {
    await machine?.stop({ powerdown: false })
    return await writeResults(planned, gathered)
  } finally {
    await machine?.dispose()
  }
}

function exitCodeOf({ summary }: Comparison): RunOutcome['exitCode'] {
  switch (summary.run) {
    case 'agreed':
      return 0
    case 'disagreed':
      return 1
    case 'incomplete':
    case 'lost':
      return 2
  }
}
