import { z } from 'zod'
import { Comparison, Finding, ImageManifest, PhaseName, Prediction, Summary } from './documents/index.ts'

/** A LabError on the wire. */
export const WireError = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.array(z.string()).optional(),
})

export type WireError = z.infer<typeof WireError>

export const RunId = z.string().regex(/^[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,60}$/)

/** What happens during a run, in order. The same events drive the terminal, the window and the browser. */
export const RunEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('predicted'), claims: z.int(), sha256: z.string() }),
  z.object({ type: z.literal('started'), accelerator: z.string(), why: z.string() }),
  z.object({ type: z.literal('phase'), hop: z.int(), phase: PhaseName, ms: z.number() }),
  z.object({ type: z.literal('step'), hop: z.int(), text: z.string() }),
  z.object({ type: z.literal('serial'), text: z.string() }),
  z.object({ type: z.literal('finished'), directory: z.string(), summary: Summary, findings: z.array(Finding) }),
  z.object({ type: z.literal('failed'), error: WireError, directory: z.string().optional() }),
])
export type RunEvent = z.infer<typeof RunEvent>

export const RunListing = z.object({
  id: RunId,
  name: z.string(),
  state: z.enum(['running', 'done', 'failed', 'broken']),
  startedAt: z.string(),
  summary: Summary.optional(),
})
export type RunListing = z.infer<typeof RunListing>

export const ExperimentListing = z.object({ id: z.string(), name: z.string(), description: z.string(), yaml: z.string() })
export type ExperimentListing = z.infer<typeof ExperimentListing>

export const ProgressInfo = z.object({ phase: z.string(), percent: z.number(), secondsLeft: z.number().optional() })

export const Diagnosis = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['ok', 'warning', 'missing']),
  detail: z.string(),
  /** What to type or change; absent when the state is ok. */
  fix: z.string().optional(),
})
export type Diagnosis = z.infer<typeof Diagnosis>

const Nothing = z.strictObject({})

/**
 * Every request that a page may make of the lab, with the schema of what goes in and what comes out.
 * The hosts (Electron, browser) carry exactly these, the preload is generated from the keys.
 */
export const requests = {
  'lab:info': {
    in: Nothing,
    out: z.object({ version: z.string(), host: z.enum(['electron', 'browser']), firstRun: z.boolean() }),
  },
  'lab:doctor': { in: Nothing, out: z.array(Diagnosis) },
  'image:list': { in: Nothing, out: z.array(z.object({ manifest: ImageManifest, size: z.int() })) },
  'image:build': { in: Nothing, out: ImageManifest },
  'experiment:list': { in: Nothing, out: z.array(ExperimentListing) },
  'experiment:predict': { in: z.strictObject({ yaml: z.string().max(1_000_000) }), out: Prediction },
  'run:start': { in: z.strictObject({ yaml: z.string().max(1_000_000) }), out: z.object({ id: RunId }) },
  'run:cancel': { in: z.strictObject({ id: RunId }), out: z.object({ cancelled: z.boolean() }) },
  'run:list': { in: Nothing, out: z.array(RunListing) },
  /** Everything that happened so far in a run: what a page needs that was opened in the middle. */
  'run:events': { in: z.strictObject({ id: RunId }), out: z.array(RunEvent) },
  'run:comparison': { in: z.strictObject({ id: RunId }), out: Comparison },
  'run:report': {
    in: z.strictObject({ id: RunId, format: z.enum(['html', 'md', 'txt', 'ktap', 'json']) }),
    out: z.object({ name: z.string(), mediaType: z.string(), text: z.string() }),
  },
} as const

/** What the lab tells every page without being asked. */
export const events = {
  'run:event': z.object({ id: RunId, event: RunEvent }),
  'image:progress': ProgressInfo,
} as const

export type RequestName = keyof typeof requests
export type EventName = keyof typeof events
export type RequestIn<K extends RequestName> = z.input<(typeof requests)[K]['in']>
export type RequestOut<K extends RequestName> = z.output<(typeof requests)[K]['out']>
export type EventPayload<K extends EventName> = z.output<(typeof events)[K]>

/** What the preload (or the browser's WebSocket client) puts on the page as `window.lab`. */
export interface LabClient {
  invoke<K extends RequestName>(name: K, input: RequestIn<K>): Promise<RequestOut<K>>
  /** Returns a function that ends the subscription. */
  on<K extends EventName>(name: K, listener: (payload: EventPayload<K>) => void): () => void
}
