import { openAttachedRam, type AttachedRam, type RamPlaces } from '../../guest/attach/attached-ram.ts'
import { openSerial } from '../../guest/attach/serial.ts'
import { runOverSsh, type SshTarget } from '../../guest/attach/ssh-shell.ts'
import { Capture } from '../../guest/observe/capture.ts'
import { decodeGuestView } from '../../guest/observe/guest-view.ts'
import { ramRanges, type RamBlock } from '../../guest/observe/mtree.ts'
import { observeLiveRam } from '../../guest/observe/ram-view.ts'
import type { RawStore } from '../../guest/observe/raw-store.ts'
import { CAPTURE_SCRIPT, parseShellCapture } from '../../guest/observe/shell-capture.ts'
import { predictAttached, type AttachedMachine } from '../../model/attached.ts'
import type { RunEvent } from '../../shared/contract.ts'
import { notSeen, seen, type Comparison, type HopObservation, type Prediction } from '../../shared/documents/index.ts'
import { LabError, toLabError } from '../../shared/result.ts'
import { GiB, formatSize, hex } from '../../shared/units.ts'
import { documentSha256 } from '../predict.ts'
import { EVENTS_FILE, EventLog } from '../run/event-log.ts'
import { FAILURE_FILE, openRunFolder, type RunFolder } from '../run/run-folder.ts'
import { machineFacts } from './machine-facts.ts'
import { layoutOf, reach, type Reached } from './reach.ts'
import { writeAttached } from './results.ts'

export interface AttachRequest {
  readonly pid?: number | undefined
  /** Path of a QMP socket, or host:port. */
  readonly qmp?: string | undefined
  /** Log file or socket of the console. */
  readonly serial?: string | undefined
  readonly ssh?: SshTarget | undefined
  /** The only way to read RAM that is to be tried. */
  readonly ram?: RamPlaces['only']
  /** Folder for the results: empty, or not there yet. */
  readonly out: string
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
}

export interface AttachOutcome {
  readonly directory: string
  readonly comparison: Comparison
}

/**
 * Looks at a machine that somebody else started, and changes nothing in it: its monitor is only asked, its RAM only read, its
 * guest only asked when ssh is given. What its arguments let the model predict is sealed before anything of it is read.
 * Rejects with LabError: usage, monitor-busy, monitor-unreachable, ram-unreadable, ssh-failed, out-unwritable, disk-full, cancelled.
 */
export async function attach(asked: AttachRequest): Promise<AttachOutcome> {
  const startedAt = new Date().toISOString()
  const events = new EventLog()
  const request: AttachRequest = { ...asked, onEvent: (event) => asked.onEvent?.(events.stamped(event)) }
  const say = (text: string): void => request.onEvent?.({ type: 'step', hop: 0, text })
  const reached = await reach(request)
  let ram: AttachedRam | undefined
  let folder: RunFolder | undefined
  try {
    say(`monitor: ${reached.monitorWords}`)
    const facts = await machineFacts(reached.qemu, request.ssh !== undefined)
    const name = nameOf(reached)
    const prediction = predictAttached(facts, documentSha256(facts))
    const blocks = await layoutOf(reached)
    ram = await openAttachedRam({ ...reached, blocks, only: request.ram })
    for (const words of ram.words) say(`RAM: ${words}`)
    // Nothing is left behind by an attempt that could not begin.
    folder = await openRunFolder({ directory: request.out, name, startedAt, boots: 1 })
    const sealed = await seal(folder, facts, prediction)
    request.onEvent?.({ type: 'predicted', claims: prediction.claims.length, sha256: sealed.sha256 })
    const looked = await look(request, { folder, reached, ram, blocks, facts, say })
    if (looked.serial !== undefined) request.onEvent?.({ type: 'serial', text: looked.serial.toString('utf8') })
    await folder.writeJson(EVENTS_FILE, events.document())
    const comparison = await writeAttached({ folder, name, startedAt, reached, ram, prediction, sealed, request, ...looked })
    request.onEvent?.({
      type: 'finished',
      directory: folder.directory,
      summary: comparison.summary,
      findings: comparison.findings,
    })
    return { directory: folder.directory, comparison }
  } catch (error) {
    // The reason for ending is worth more than the reason why it could not be written down.
    await Promise.allSettled([
      folder?.writeJson(FAILURE_FILE, toLabError(error).toJSON()),
      folder?.writeJson(EVENTS_FILE, events.document()),
    ])
    throw error
  } finally {
    await ram?.close()
    reached.monitor?.close()
  }
}

/** On disk with its digest before the guest's RAM is read. */
async function seal(
  folder: RunFolder,
  facts: AttachedMachine,
  prediction: Prediction,
): Promise<{ readonly sha256: string; readonly at: string }> {
  const sealed = { sha256: documentSha256(prediction), at: new Date().toISOString() }
  await Promise.all([
    folder.writeJson('attached.json', facts),
    folder.writeJson('prediction.json', prediction),
    folder.writeText('prediction.sha256', `${sealed.sha256}  prediction.json, canonical JSON, ${sealed.at}\n`),
  ])
  return sealed
}

interface Looking {
  readonly folder: RunFolder
  readonly reached: Reached
  readonly ram: AttachedRam
  readonly blocks: readonly RamBlock[]
  readonly facts: AttachedMachine
  readonly say: (text: string) => void
}

async function look(
  { ssh, serial, signal }: AttachRequest,
  { folder, ram, blocks, facts, reached, say }: Looking,
): Promise<{ readonly hop: HopObservation; readonly serial: Buffer | undefined }> {
  const console = serial === undefined ? undefined : await openSerial(serial)
  try {
    const capture =
      ssh === undefined
        ? new Capture([], 'nobody was asked in the guest: no --ssh')
        : parseShellCapture(await runOverSsh(ssh, CAPTURE_SCRIPT, signal))
    const guest = decodeGuestView(capture, below(folder.raw, 'hop0/guest'))
    const ranges = ramRanges(blocks).map(({ start, end }) => ({ start: hex(start), end: hex(end) }))
    const host = await observeLiveRam(ram, {
      ramMap:
        reached.monitor === undefined ? notSeen("QEMU was not asked: the layout is that of the machine's type") : seen(ranges),
      guest,
      regionCount: facts.machine === undefined ? undefined : facts.machine.nodes.filter(({ memory }) => memory > 0).length + 2,
      raw: below(folder.raw, 'hop0'),
      signal,
      onProgress: quarters(say),
    })
    say(host.outRoot.ok ? `guest RAM: KHO root at ${host.outRoot.value.address}` : `guest RAM: ${host.outRoot.reason}`)
    return { hop: { hop: 0, phases: [], guest, host }, serial: await console?.text() }
  } finally {
    console?.close()
  }
}

function nameOf({ qemu }: Reached): string {
  const given = qemu?.arguments.name
  if (qemu === undefined) return 'attached machine'
  return given === undefined ? `attached to process ${qemu.pid}` : `attached to ${given.slice(0, 80)}`
}

const below = (raw: RawStore, prefix: string): RawStore => ({ put: (name, bytes) => raw.put(`${prefix}/${name}`, bytes) })

/** A line per quarter, for guests whose RAM takes long to search. */
function quarters(say: (text: string) => void): (done: number, total: number) => void {
  let quarter = 1
  return (done, total) => {
    if (total < 2 * GiB || done * 4 < quarter * total) return
    say(`searched ${formatSize(done)} of ${formatSize(total)} of guest RAM`)
    quarter += 1
  }
}

/** `auto` is no limit; a way's name, or the path of a file, which must hold a slash. Throws LabError usage. */
export function ramChoice(text: string): RamPlaces['only'] {
  if (text === 'auto') return undefined
  if (text === 'file' || text === 'memfd' || text === 'proc-mem' || text === 'pmemsave') return text
  if (text.includes('/')) return { path: text }
  throw new LabError({
    code: 'usage',
    message: `--ram ${text}: no such way to read RAM`,
    hint: 'Write auto, file, memfd, proc-mem, pmemsave, or the path of a file with RAM (./ram, not ram).',
  })
}
