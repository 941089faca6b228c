import type { z } from 'zod'
import {
  events,
  requests,
  type AttachableMachine,
  type Diagnosis,
  type EventName,
  type EventPayload,
  type ExperimentListing,
  type RequestIn,
  type RequestName,
  type RequestOut,
  type RunEvent,
  type RunListing,
} from '../shared/contract.ts'
import type { Comparison, ImageManifest, Prediction, RunDiff } from '../shared/documents/index.ts'
import { LabError, toLabError } from '../shared/result.ts'
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
    options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void },
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
const DISPOSE_BOUND_MS = 20_000

class ActiveRun {
  readonly abort = new AbortController()
  readonly log = new RunLog()
  listing: RunListing | undefined
  ended = false
  told = false
  pendingSerial = ''
  timer: ReturnType<typeof setTimeout> | undefined
}

type Begin = (options: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void }) => Promise<StartedRun>
type Handlers = { readonly [K in RequestName]: (input: z.output<(typeof requests)[K]['in']>) => Promise<unknown> }

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
    'run:start': ({ yaml }) => start((options) => dependencies.startRun(yaml, options)),
    'attach:list': () => dependencies.listMachines(),
    'attach:start': (target) => start((options) => dependencies.attach(target, options)),
    'predict:sweep': ({ yaml, sweep }) => dependencies.sweep(yaml, sweep),
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

const isRequestName = (name: string): name is RequestName => typeof name === 'string' && Object.hasOwn(requests, name)

async function answer(name: RequestName, input: unknown, handlers: Handlers): Promise<unknown> {
  const parsedInput = requests[name].in.safeParse(input)
  if (!parsedInput.success) {
    throw new LabError({
      code: 'refused',
      message: `${name}: the request does not have the agreed form`,
      evidence: issueLines(parsedInput.error),
    })
  }
  const handler = handlers[name] as (value: unknown) => Promise<unknown>
  const output = requests[name].out.safeParse(await handler(parsedInput.data))
  if (!output.success) {
    throw new LabError({
      code: 'internal',
      message: `${name}: the lab's own answer does not have the agreed form`,
      evidence: issueLines(output.error),
    })
  }
  return output.data
}

const issueLines = (error: z.ZodError): string[] =>
  error.issues.slice(0, 8).map((issue) => `${issue.path.map(String).join('.') || 'input'}: ${issue.message}`)

/** A LabError as plain data that every host can carry. */
export function wireError(error: unknown): { code: string; message: string; hint?: string; evidence?: string[] } {
  const { code, message, hint, evidence } = toLabError(error)
  return { code, message, ...(hint === undefined ? {} : { hint }), ...(evidence.length === 0 ? {} : { evidence: [...evidence] }) }
}
