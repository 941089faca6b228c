import {
  events,
  type AttachableMachine,
  type Diagnosis,
  type EventName,
  type EventPayload,
  type ExperimentListing,
  type RequestIn,
  type RequestOut,
  type RunEvent,
  type RunListing,
} from '../shared/contract.ts'
import type { Comparison, ImageManifest, Prediction, RunDiff } from '../shared/documents/index.ts'
import { LabError, toLabError } from '../shared/result.ts'
import { claimsNamed, claimTable } from './claim-table.ts'
import { answer, isRequestName, type Handlers } from './desk-answer.ts'
import { DeskShells } from './desk-shells.ts'
import { editForm, formOf } from './experiment-form.ts'
import type { RunControls } from './run/controls.ts'
import { RunLog, SERIAL_CHUNK_LIMIT } from './desk-run-log.ts'
import { studyHandlers } from './desk-studies.ts'
import type { SweepResult } from './sweep.ts'
import { createStudyRuns } from './simulate/study-runs.ts'

export type ReportFormat = RequestIn<'run:report'>['format']

/** A run that is on its way. */
export interface StartedRun {
  readonly listing: RunListing
  /** Settles when the run is over and everything of it has been stopped. May reject: the desk tells the pages. */
  readonly done: Promise<void>
  /** Absent where the lab only looks: at a machine that it did not start. */
  readonly controls?: RunControls
}

/** The use cases that pages can ask for. `open-desk.ts` binds the real ones. */
export interface DeskDependencies {
  readonly version: string
  readonly host: 'electron' | 'browser'
  doctor(): Promise<readonly Diagnosis[]>
  listImages(): Promise<readonly { readonly manifest: ImageManifest; readonly size: number }[]>
  buildImage(options: {
    readonly signal: AbortSignal
    readonly onProgress: (progress: EventPayload<'image:progress'>) => void
  }): Promise<ImageManifest>
  listExperiments(): Promise<readonly ExperimentListing[]>
  predict(yaml: string): Promise<Prediction>
  /** One line per value; `sweep` as on the command line. */
  sweep(yaml: string, sweep: string): Promise<SweepResult>
  /** Rejects with a LabError when the run cannot be started at all; then nothing was started. */
  startRun(
    yaml: string,
    options: { readonly signal: AbortSignal; readonly hold: boolean; readonly onEvent: (event: RunEvent) => void },
  ): Promise<StartedRun>
  /** Runs on disk, newest first. */
  listRuns(): Promise<readonly RunListing[]>
  /** What can be told again of a run that this process did not make. */
  storedEvents(id: string): Promise<readonly RunEvent[]>
  comparison(id: string): Promise<RequestOut<'run:comparison'>>
  map(id: string, hop: number): Promise<RequestOut<'run:map'>>
  kho(id: string, hop: number): Promise<RequestOut<'run:kho'>>
  report(id: string, format: ReportFormat): Promise<RequestOut<'run:report'>>
  pdf(id: string): Promise<RequestOut<'run:pdf'>>
  listMachines(): Promise<readonly AttachableMachine[]>
  /** As startRun, for a look at a machine that runs already. */
  attach(
    target: RequestIn<'attach:start'>,
    options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void },
  ): Promise<StartedRun>
  diff(a: string, b: string): Promise<RunDiff>
  openReport(name: string, text: string): Comparison
}

export type DeskListener = <K extends EventName>(name: K, payload: EventPayload<K>) => void

/** The server side of the contract: hosts pass requests in and carry events out. */
export interface Desk {
  /** Answers one request. Both directions are checked against the contract. Rejects with LabError only. */
  handle(name: string, input: unknown): Promise<unknown>
  /** Tells `listener` every event from now on. Returns a function that ends it. */
  subscribe(listener: DeskListener): () => void
  /** Cancels what is running and waits for it, at most `boundMs`. */
  dispose(boundMs?: number): Promise<void>
}

/** Guests at a time: each takes its own RAM and CPUs. */
const RUNS_AT_ONCE = 4
/** Runs whose events stay in memory after their end. */
const ENDED_RUNS_KEPT = 8
/** Serial text is gathered this long, so that a page gets tens of messages a second and not thousands. */
const SERIAL_GATHER_MS = 25
const COMPARISONS_KEPT = 2
const DISPOSE_BOUND_MS = 20_000

class ActiveRun {
  readonly abort = new AbortController()
  readonly log = new RunLog()
  listing: RunListing | undefined
  controls: RunControls | undefined
  ended = false
  told = false
  pendingSerial = ''
  timer: ReturnType<typeof setTimeout> | undefined
}

type Begin = (options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void }) => Promise<StartedRun>

export function createDesk(dependencies: DeskDependencies): Desk {
  const listeners = new Set<DeskListener>()
  const runs = new Map<string, ActiveRun>()
  let building: { readonly result: Promise<ImageManifest>; readonly abort: AbortController } | undefined
  let disposed = false

  const emit = <K extends EventName>(name: K, payload: EventPayload<K>): void => {
    const checked = events[name].parse(payload) as EventPayload<K>
    for (const listener of listeners) listener(name, checked)
  }

  const tell = (run: ActiveRun, event: RunEvent): void => {
    run.log.add(event)
    if (run.listing) emit('run:event', { id: run.listing.id, event })
  }

  const flushSerial = (run: ActiveRun): void => {
    clearTimeout(run.timer)
    run.timer = undefined
    const text = run.pendingSerial
    run.pendingSerial = ''
    for (let at = 0; at < text.length; at += SERIAL_CHUNK_LIMIT) {
      tell(run, { type: 'serial', text: text.slice(at, at + SERIAL_CHUNK_LIMIT) })
    }
  }

  const onEvent = (run: ActiveRun, event: RunEvent): void => {
    if (event.type === 'serial') {
      run.pendingSerial += event.text
      if (run.pendingSerial.length >= SERIAL_CHUNK_LIMIT) flushSerial(run)
      else run.timer ??= setTimeout(() => flushSerial(run), SERIAL_GATHER_MS)
      return
    }
    flushSerial(run)
    if (run.listing) run.listing = listingAfter(run.listing, event)
    if (event.type === 'finished' || event.type === 'failed') run.told = true
    tell(run, event)
  }

  const end = (run: ActiveRun, error: unknown): void => {
    flushSerial(run)
    run.ended = true
    if (!run.told) {
      const words =
        error === undefined ? new LabError({ code: 'internal', message: 'the run ended without a verdict' }) : toLabError(error)
      onEvent(run, { type: 'failed', error: wireError(words) })
    }
    const over = [...runs].filter(([, other]) => other.ended)
    for (const [id] of over.slice(0, Math.max(0, over.length - ENDED_RUNS_KEPT))) runs.delete(id)
  }

  const start = async (begin: Begin): Promise<{ id: string }> => {
    if ([...runs.values()].filter((run) => !run.ended).length >= RUNS_AT_ONCE) {
      throw new LabError({
        code: 'refused',
        message: `${RUNS_AT_ONCE} runs are going on`,
        hint: 'Wait for one to end or cancel one.',
      })
    }
    const run = new ActiveRun()
    const started = await begin({ signal: run.abort.signal, onEvent: (event) => onEvent(run, event) })
    const { id } = started.listing
    // Events that came before the run had a name are in its log already; pages that ask for the run get them.
    run.listing = run.log.events().reduce(listingAfter, started.listing)
    runs.set(id, run)
    started.done.then(
      () => end(run, undefined),
      (error: unknown) => end(run, error),
    )
    return { id }
  }

  const buildImage = (): Promise<ImageManifest> => {
    if (!building) {
      const abort = new AbortController()
      const result = dependencies
        .buildImage({ signal: abort.signal, onProgress: (progress) => emit('image:progress', progress) })
        .finally(() => {
          building = undefined
        })
      building = { result, abort }
    }
    return building.result
  }

  /** Of a run that is over nothing changes any more; the last that pages looked at stay read. */
  const compared = new Map<string, Promise<Comparison>>()
  const comparisonOf = (id: string): Promise<Comparison> => {
    const known = compared.get(id)
    if (known) return known
    const read = dependencies.comparison(id)
    compared.set(id, read)
    read.catch(() => compared.delete(id))
    for (const oldest of [...compared.keys()].slice(0, Math.max(0, compared.size - COMPARISONS_KEPT))) compared.delete(oldest)
    return read
  }

  const shells = new DeskShells({
    data: (payload) => emit('shell:data', payload),
    closed: (payload) => emit('shell:closed', payload),
  })

  const controlsOf = (id: string): RunControls => {
    const run = runs.get(id)
    if (run?.controls !== undefined && !run.ended) return run.controls
    throw new LabError({
      code: 'refused',
      message: 'this run does not go on in this lab',
      hint: 'Only the window or terminal that started a run can act on its guest.',
    })
  }

  const listRuns = async (): Promise<readonly RunListing[]> => {
    const stored = await dependencies.listRuns()
    const live = [...runs.values()].flatMap((run) => (run.listing ? [run.listing] : []))
    const known = new Set(live.map((listing) => listing.id))
    return [...live, ...stored.filter((listing) => !known.has(listing.id))].sort((a, b) =>
      a.id < b.id ? 1 : a.id > b.id ? -1 : 0,
    )
  }

  const studies = createStudyRuns((id, gathered) => emit('study:event', { id, events: gathered }))

  const handlers: Handlers = {
    ...studyHandlers(studies),
    'lab:info': async () => ({
      version: dependencies.version,
      host: dependencies.host,
      firstRun: (await listRuns()).length === 0,
    }),
    'lab:doctor': () => dependencies.doctor(),
    'image:list': () => dependencies.listImages(),
    'image:build': buildImage,
    'experiment:list': () => dependencies.listExperiments(),
    'experiment:predict': ({ yaml }) => dependencies.predict(yaml),
    'experiment:form': async ({ yaml }) => formOf(yaml),
    'experiment:edit': async ({ yaml, path, value }) => ({ yaml: editForm(yaml, path, value) }),
    'run:start': ({ yaml, hold }) => start((options) => dependencies.startRun(yaml, { ...options, hold: hold === true })),
    'attach:list': () => dependencies.listMachines(),
    'attach:start': (target) => start((options) => dependencies.attach(target, options)),
    'predict:sweep': ({ yaml, sweep }) => dependencies.sweep(yaml, sweep),
    'run:proceed': async ({ id }) => ({ proceeded: controlsOf(id).proceed() }),
    'run:pause': async ({ id, paused }) => {
      await controlsOf(id).pause(paused)
      return {}
    },
    'run:vitals': async ({ id }) => controlsOf(id).vitals(),
    'shell:open': async ({ id, ...size }) => shells.open(id, controlsOf(id), size),
    'shell:list': async ({ id }) => shells.list(id),
    'shell:write': async ({ shell, text }) => {
      shells.write(shell, text)
      return {}
    },
    'shell:resize': async ({ shell, ...size }) => {
      shells.resize(shell, size)
      return {}
    },
    'shell:close': async ({ shell }) => {
      shells.close(shell)
      return {}
    },
    'run:cancel': async ({ id }) => {
      const run = runs.get(id)
      if (!run || run.ended) return { cancelled: false }
      run.abort.abort()
      return { cancelled: true }
    },
    'run:list': listRuns,
    'run:events': async ({ id }) => {
      const run = runs.get(id)
      if (!run) return dependencies.storedEvents(id)
      // What is gathered goes out first: then every event is either in this answer or comes after it, and none is in both.
      flushSerial(run)
      return run.log.events()
    },
    'run:kho': ({ id, hop }) => dependencies.kho(id, hop),
    'run:map': ({ id, hop }) => dependencies.map(id, hop),
    'run:claims': async ({ id }) => claimTable(await comparisonOf(id)),
    'run:claims-named': async ({ id, claims }) => claimsNamed(await comparisonOf(id), claims),
    'run:comparison': ({ id }) => dependencies.comparison(id),
    'run:report': ({ id, format }) => dependencies.report(id, format),
    'run:pdf': ({ id }) => dependencies.pdf(id),
    'run:diff': ({ a, b }) => dependencies.diff(a, b),
    'report:open': ({ name, text }) => Promise.resolve(dependencies.openReport(name, text)),
  }

  return {
    async handle(name, input) {
      if (disposed) throw new LabError({ code: 'refused', message: 'the lab is closing' })
      if (!isRequestName(name))
        throw new LabError({ code: 'refused', message: 'the lab has no such request', evidence: [name.slice(0, 100)] })
      try {
        return await answer(name, input, handlers)
      } catch (error) {
        throw toLabError(error)
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async dispose(boundMs = DISPOSE_BOUND_MS) {
      disposed = true
      building?.abort.abort()
      shells.closeAll()
      for (const run of runs.values()) run.abort.abort()
      await studies.dispose()
      const deadline = Date.now() + boundMs
      while (Date.now() < deadline && (building !== undefined || [...runs.values()].some((run) => !run.ended))) {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      listeners.clear()
    },
  }
}

function listingAfter(listing: RunListing, event: RunEvent): RunListing {
  if (event.type === 'finished') return { ...listing, state: 'done', summary: event.summary }
  return event.type === 'failed' ? { ...listing, state: 'failed' } : listing
}

/** A LabError as plain data that every host can carry. */
export function wireError(error: unknown): { code: string; message: string; hint?: string; evidence?: string[] } {
  const { code, message, hint, evidence } = toLabError(error)
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(evidence.length === 0 ? {} : { evidence: [...evidence] }) }
}
