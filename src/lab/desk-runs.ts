import type { RunEvent, RunListing } from '../shared/contract.ts'
import { LabError, toLabError } from '../shared/result.ts'
import { RunLog, SERIAL_CHUNK_LIMIT } from './desk-run-log.ts'
import type { StartedRun } from './desk-use-cases.ts'
import type { RunControls } from './run/controls.ts'

/** Guests at a time: each takes its own RAM and CPUs. */
const RUNS_AT_ONCE = 4
/** Runs whose events stay in memory after their end. */
const ENDED_RUNS_KEPT = 8
/** Serial text is gathered this long, so that a page gets tens of messages a second and not thousands. */
const SERIAL_GATHER_MS = 25

type Begin = (options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void }) => Promise<StartedRun>

interface ActiveRun {
  readonly abort: AbortController
  readonly log: RunLog
  /** Undefined until the run has its name. */
  listing: RunListing | undefined
  controls: RunControls | undefined
  ended: boolean
  /** It told its own end. */
  told: boolean
  pendingSerial: string
  timer: ReturnType<typeof setTimeout> | undefined
}

/** The runs that this lab started, and what each of them told. */
export class DeskRuns {
  readonly #tell: (id: string, event: RunEvent) => void
  readonly #runs = new Map<string, ActiveRun>()

  constructor(tell: (id: string, event: RunEvent) => void) {
    this.#tell = tell
  }

  /** Rejects with LabError `refused` when too many go on, or with whatever kept `begin` from starting one. */
  async start(begin: Begin): Promise<{ id: string }> {
    if (this.#going().length >= RUNS_AT_ONCE) {
      throw new LabError({
        code: 'refused',
        message: `${RUNS_AT_ONCE} runs are going on`,
        hint: 'Wait for one to end or cancel one.',
      })
    }
    const run = newRun()
    const started = await begin({ signal: run.abort.signal, onEvent: (event) => this.#onEvent(run, event) })
    const { id } = started.listing
    // Events that came before the run had a name are in its log already; pages that ask for the run get them.
    run.listing = run.log.events().reduce(listingAfter, started.listing)
    run.controls = started.controls
    this.#runs.set(id, run)
    started.done.then(
      () => this.#end(run, undefined),
      (error: unknown) => this.#end(run, error),
    )
    return { id }
  }

  /** False where it does not go on. */
  cancel(id: string): boolean {
    const run = this.#runs.get(id)
    if (!run || run.ended) return false
    run.abort.abort()
    return true
  }

  /** Throws LabError `refused` where the run is not one that goes on here. */
  controlsOf(id: string): RunControls {
    const run = this.#runs.get(id)
    if (run?.controls !== undefined && !run.ended) return run.controls
    throw new LabError({
      code: 'refused',
      message: 'this run does not go on in this lab',
      hint: 'Only the window or terminal that started a run can act on its guest.',
    })
  }

  /** Everything that a run told; undefined for one that this lab did not start, or forgot. */
  eventsOf(id: string): readonly RunEvent[] | undefined {
    const run = this.#runs.get(id)
    if (!run) return undefined
    // What is gathered goes out first: then every event is either in this answer or comes after it, and none is in both.
    this.#flushSerial(run)
    return run.log.events()
  }

  /** These runs and those on disk, newest first; what this lab knows of a run counts. */
  listedWith(stored: readonly RunListing[]): RunListing[] {
    const live = [...this.#runs.values()].flatMap((run) => (run.listing ? [run.listing] : []))
    const known = new Set(live.map((listing) => listing.id))
    return [...live, ...stored.filter((listing) => !known.has(listing.id))].sort((a, b) =>
      a.id < b.id ? 1 : a.id > b.id ? -1 : 0,
    )
  }

  cancelAll(): void {
    for (const run of this.#runs.values()) run.abort.abort()
  }

  get goOn(): boolean {
    return this.#going().length > 0
  }

  #going(): ActiveRun[] {
    return [...this.#runs.values()].filter((run) => !run.ended)
  }

  #add(run: ActiveRun, event: RunEvent): void {
    run.log.add(event)
    if (run.listing) this.#tell(run.listing.id, event)
  }

  #flushSerial(run: ActiveRun): void {
    clearTimeout(run.timer)
    run.timer = undefined
    const text = run.pendingSerial
    run.pendingSerial = ''
    for (let at = 0; at < text.length; at += SERIAL_CHUNK_LIMIT) {
      this.#add(run, { type: 'serial', text: text.slice(at, at + SERIAL_CHUNK_LIMIT) })
    }
  }

  #onEvent(run: ActiveRun, event: RunEvent): void {
    if (event.type === 'serial') {
      run.pendingSerial += event.text
      if (run.pendingSerial.length >= SERIAL_CHUNK_LIMIT) this.#flushSerial(run)
      else run.timer ??= setTimeout(() => this.#flushSerial(run), SERIAL_GATHER_MS)
      return
    }
    this.#flushSerial(run)
    if (run.listing) run.listing = listingAfter(run.listing, event)
    if (event.type === 'finished' || event.type === 'failed') run.told = true
    this.#add(run, event)
  }

  #end(run: ActiveRun, error: unknown): void {
    this.#flushSerial(run)
    run.ended = true
    if (!run.told) {
      const words =
        error === undefined ? new LabError({ code: 'internal', message: 'the run ended without a verdict' }) : toLabError(error)
      this.#onEvent(run, { type: 'failed', error: wireError(words) })
    }
    const over = [...this.#runs].filter(([, other]) => other.ended)
    for (const [id] of over.slice(0, Math.max(0, over.length - ENDED_RUNS_KEPT))) this.#runs.delete(id)
  }
}

const newRun = (): ActiveRun => ({
  abort: new AbortController(),
  log: new RunLog(),
  listing: undefined,
  controls: undefined,
  ended: false,
  told: false,
  pendingSerial: '',
  timer: undefined,
})

function listingAfter(listing: RunListing, event: RunEvent): RunListing {
  if (event.type === 'finished') return { ...listing, state: 'done', summary: event.summary }
  return event.type === 'failed' ? { ...listing, state: 'failed' } : listing
}

/** A LabError as plain data that every host can carry. */
export function wireError(error: unknown): { code: string; message: string; hint?: string; evidence?: string[] } {
  const { code, message, hint, evidence } = toLabError(error)
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(evidence.length === 0 ? {} : { evidence: [...evidence] }) }
}
