import type {
  AttachableMachine,
  Diagnosis,
  EventPayload,
  ExperimentListing,
  RequestIn,
  RequestOut,
  RunEvent,
  RunListing,
} from '../shared/contract.ts'
import type { Comparison, ImageManifest, Prediction, RunDiff } from '../shared/documents/index.ts'
import type { Settings } from '../shared/settings-contract.ts'
import type { RunControls } from './run/controls.ts'
import type { SweepResult } from './sweep.ts'

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
  doctorKernel(file: string): Promise<readonly Diagnosis[]>
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
  /** Where a run on disk lies. */
  readonly runFolder: (id: string) => Promise<string>
  /** What can be told again of a run that this process did not make. */
  storedEvents(id: string): Promise<readonly RunEvent[]>
  comparison(id: string): Promise<RequestOut<'run:comparison'>>
  rule(id: string, claim: string): Promise<RequestOut<'run:rule'>>
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
  settings(): Promise<Settings>
  changeSettings(settings: Settings): Promise<Settings>
}
