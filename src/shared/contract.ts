import { z } from 'zod'
import { RunKho, RunMap, RunRule } from './boot-views.ts'
import { ComparedClaim, Comparison, Finding, ImageManifest, PhaseName, Prediction, RunDiff, Summary } from './documents/index.ts'
import { settingsRequests } from './settings-contract.ts'
import { studyEvents, studyRequests } from './study-contract.ts'
import { whatIfRequests } from './what-if-contract.ts'
import { WireError } from './wire-error.ts'

export { WireError }

export const RunId = z.string().regex(/^[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,60}$/)

/** What happens during a run, in order. The same events drive the terminal, the window and the browser. */
export const RunEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('predicted'), claims: z.int(), sha256: z.string() }),
  z.object({ type: z.literal('started'), accelerator: z.string(), why: z.string() }),
  z.object({ type: z.literal('phase'), hop: z.int(), phase: PhaseName, ms: z.number() }),
  /** `at`, here and below: milliseconds since the run began. */
  z.object({ type: z.literal('step'), hop: z.int(), text: z.string(), at: z.number().optional() }),
  z.object({ type: z.literal('serial'), text: z.string() }),
  /** An event of QEMU's monitor; `data` is its JSON. */
  z.object({ type: z.literal('qemu'), event: z.string(), data: z.string(), at: z.number().optional() }),
  /** The run waits, as it was asked to, for `run:proceed`: then comes the next hop, or the end. */
  z.object({ type: z.literal('held'), hop: z.int(), next: z.enum(['hop', 'end']) }),
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

/** A QEMU process of this host, as its arguments describe it. */
export const AttachableMachine = z.object({
  pid: z.int(),
  name: z.string().optional(),
  /** Absent where the lab does not know the layout of the machine type. */
  type: z.enum(['q35', 'pc']).optional(),
  /** Bytes. */
  memory: z.number().optional(),
  cpus: z.int().optional(),
  accelerator: z.enum(['kvm', 'tcg']).optional(),
  kernel: z.string().optional(),
  /** False for another architecture, which the lab cannot read. */
  x86: z.boolean(),
  /** Kinds of its memory backends. */
  ram: z.array(z.string()),
  /** QMP sockets that it listens on. */
  monitors: z.array(z.string()),
})
export type AttachableMachine = z.infer<typeof AttachableMachine>

/** The forms of a report that are text; PDF is made of the HTML by the host. */
export const REPORT_FORMATS = ['html', 'md', 'txt', 'ktap', 'junit', 'json'] as const
export type ReportFormatName = (typeof REPORT_FORMATS)[number]

/** A running guest from outside: what QEMU and the host say. Asking the guest would change what is observed. */
export const Vitals = z.object({
  /** QEMU's run state: running, paused, … */
  status: z.string(),
  hop: z.int(),
  pid: z.int(),
  cpuSeconds: z.number(),
  residentBytes: z.number(),
  held: z.boolean(),
  paused: z.boolean(),
})
export type Vitals = z.infer<typeof Vitals>

/** The claims of a run without their values, one entry of each column per claim; texts by their place in `texts`. */
export const ClaimTable = z.object({
  summary: Summary,
  findings: z.array(Finding),
  /** Why the run ended early, where it did. */
  lost: z.string().optional(),
  /** What became of kexecs that were not simply a handover that was taken, and how the run ended where that was predicted. */
  notes: z.array(z.string()),
  /** A look at a machine that the lab did not start: which of its boots it is, nobody counted. */
  attached: z.boolean(),
  ids: z.array(z.string()),
  hops: z.array(z.int()),
  /** Place in Verdict's options. */
  verdicts: z.array(z.int().min(0).max(3)),
  families: z.array(z.int()),
  titles: z.array(z.int()),
  reasons: z.array(z.int()),
  texts: z.array(z.string()),
})
export type ClaimTable = z.infer<typeof ClaimTable>

const Yaml = z.string().max(1_000_000)

/** An experiment's text as the form shows it (experiment-form.ts has the fields). */
export const ExperimentForm = z.object({
  /** False: the text is no YAML mapping, so the form can show nothing of it and change nothing in it. */
  readable: z.boolean(),
  /** By path; a field that the text does not have is absent. */
  values: z.record(z.string(), z.string()),
  issues: z.array(z.object({ line: z.int(), column: z.int(), path: z.string(), message: z.string() })),
})
export type ExperimentForm = z.infer<typeof ExperimentForm>

const ShellId = z.int().min(1)
const TerminalSize = { columns: z.int().min(2).max(1000), rows: z.int().min(1).max(1000) }

const Nothing = z.strictObject({})
const Boot = z.strictObject({ id: RunId, hop: z.int().min(0).max(1000) })

/**
 * Every request that a page may make of the lab, with the schema of what goes in and what comes out.
 * The hosts (Electron, browser) carry exactly these, the preload is generated from the keys.
 */
export const requests = {
  'lab:info': {
    in: Nothing,
    out: z.object({ version: z.string(), host: z.enum(['electron', 'browser']), firstRun: z.boolean(), building: z.boolean() }),
  },
  'lab:doctor': { in: Nothing, out: z.array(Diagnosis) },
  /** What a kernel of the user's own lacks; `file` is its bzImage or its configuration. */
  'lab:doctor-kernel': { in: z.strictObject({ file: z.string().min(1).max(4096) }), out: z.array(Diagnosis) },
  'image:list': { in: Nothing, out: z.array(z.object({ manifest: ImageManifest, size: z.int() })) },
  'image:build': { in: Nothing, out: ImageManifest },
  'image:cancel': { in: Nothing, out: z.object({ cancelled: z.boolean() }) },
  'experiment:list': { in: Nothing, out: z.array(ExperimentListing) },
  'experiment:predict': { in: z.strictObject({ yaml: Yaml }), out: Prediction },
  /** With `hold` the run waits after each boot has been observed. */
  'experiment:form': { in: z.strictObject({ yaml: Yaml }), out: ExperimentForm },
  /** Sets one field in the text; an empty value takes it out. */
  'experiment:edit': {
    in: z.strictObject({ yaml: Yaml, path: z.string().max(100), value: Yaml }),
    out: z.object({ yaml: z.string() }),
  },
  'run:start': {
    in: z.strictObject({ yaml: Yaml, hold: z.boolean().optional() }),
    out: z.object({ id: RunId }),
  },
  'run:cancel': { in: z.strictObject({ id: RunId }), out: z.object({ cancelled: z.boolean() }) },
  'run:proceed': { in: z.strictObject({ id: RunId }), out: z.object({ proceeded: z.boolean() }) },
  'run:pause': { in: z.strictObject({ id: RunId, paused: z.boolean() }), out: z.object({}) },
  'run:vitals': { in: z.strictObject({ id: RunId }), out: Vitals },
  'shell:open': { in: z.strictObject({ id: RunId, ...TerminalSize }), out: z.object({ shell: ShellId }) },
  'shell:list': { in: z.strictObject({ id: RunId }), out: z.array(z.object({ shell: ShellId, tail: z.string() })) },
  'shell:write': { in: z.strictObject({ shell: ShellId, text: z.string().max(1_000_000) }), out: z.object({}) },
  'shell:resize': { in: z.strictObject({ shell: ShellId, ...TerminalSize }), out: z.object({}) },
  'shell:close': { in: z.strictObject({ shell: ShellId }), out: z.object({}) },
  'run:list': { in: Nothing, out: z.array(RunListing) },
  /** Everything that happened so far in a run: what a page needs that was opened in the middle. */
  'run:events': { in: z.strictObject({ id: RunId }), out: z.array(RunEvent) },
  'run:map': { in: Boot, out: RunMap },
  'run:kho': { in: Boot, out: RunKho },
  'run:claims': { in: z.strictObject({ id: RunId }), out: ClaimTable },
  /** Claims with their values; one that does not exist is left out. */
  'run:claims-named': {
    in: z.strictObject({ id: RunId, claims: z.array(z.string().max(500)).max(500) }),
    out: z.array(ComparedClaim),
  },
  'run:rule': { in: z.strictObject({ id: RunId, claim: z.string().max(500) }), out: RunRule },
  'run:comparison': { in: z.strictObject({ id: RunId }), out: Comparison },
  /** QEMU processes of this host that could be looked at. */
  'attach:list': { in: Nothing, out: z.array(AttachableMachine) },
  /** Looks at one of them; what comes of it is a run like any other. Exactly one of pid and qmp. */
  'attach:start': {
    in: z.strictObject({
      pid: z.int().min(2).optional(),
      qmp: z.string().min(1).max(4096).optional(),
      serial: z.string().min(1).max(4096).optional(),
      ssh: z.string().min(1).max(255).optional(),
      /** The user's word that the guest may be logged in to: that leaves processes and changed memory in it. */
      mayLogIn: z.boolean().default(false),
      /** auto, file, memfd, proc-mem, pmemsave, or a path. */
      ram: z.string().min(1).max(4096).default('auto'),
    }),
    out: z.object({ id: RunId }),
  },
  /** What changed from run `a` to run `b`. */
  'run:diff': { in: z.strictObject({ a: RunId, b: RunId }), out: RunDiff },
  /** A comparison that somebody has as a file: what `report --format json` wrote. */
  'report:open': { in: z.strictObject({ name: z.string().max(255), text: z.string().max(32 * 1024 * 1024) }), out: Comparison },
  /** The report as PDF, in base64. */
  'run:pdf': { in: z.strictObject({ id: RunId }), out: z.object({ name: z.string(), base64: z.string() }) },
  'run:report': {
    in: z.strictObject({ id: RunId, format: z.enum(REPORT_FORMATS) }),
    out: z.object({ name: z.string(), mediaType: z.string(), text: z.string() }),
  },
  ...settingsRequests,
  ...studyRequests,
  ...whatIfRequests,
} as const

/** What the lab tells every page without being asked. */
export const events = {
  'run:event': z.object({ id: RunId, event: RunEvent }),
  'shell:data': z.object({ shell: ShellId, text: z.string() }),
  'shell:closed': z.object({ shell: ShellId, reason: z.string() }),
  'image:progress': ProgressInfo,
  /** With the kernel's release where it was built, else with the reason. */
  'image:ended': z.object({ release: z.string().optional(), error: WireError.optional() }),
  ...studyEvents,
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
