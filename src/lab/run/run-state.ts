import type { Machine } from '../../guest/machine.ts'
import type { Accelerator } from '../../guest/qemu/accelerator.ts'
import type { GuestImage } from '../../guest/types.ts'
import type { RunEvent } from '../../shared/contract.ts'
import type {
  Comparison,
  Experiment,
  HopObservation,
  PhaseName,
  Prediction,
  WorkloadObservation,
} from '../../shared/documents/index.ts'
import type { LabError } from '../../shared/result.ts'
import type { EventLog } from './event-log.ts'
import type { RunFolder } from './run-folder.ts'

export interface RunRequest {
  readonly experiment: Experiment
  /** The experiment file's text, kept in the run as it was written. */
  readonly source: string
  /** Folder for the results: empty, or not there yet. */
  readonly out: string
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Told of the guest once it runs. */
  readonly onMachine?: ((machine: Machine) => void) | undefined
  /** Awaited when a boot has been observed: before the kexec that ends it or, after the last one, before the guest is stopped. */
  readonly hold?: ((hop: number, last: boolean) => Promise<void>) | undefined
}

export interface RunOutcome {
  readonly directory: string
  readonly comparison: Comparison
  /** 0 agreed, 1 disagreed, 2 incomplete or lost. */
  readonly exitCode: 0 | 1 | 2
  /** Why the run ended early. */
  readonly lost?: LabError
}

/** What a run has gathered so far; a run that ends early writes exactly this. */
export interface Gathered {
  readonly hops: HopObservation[]
  readonly resolutions: Comparison['resolutions'][number][]
  machine: Machine | undefined
  /** The boot that is under way or was observed last. */
  hop: number
  /** The phase that has not been reached yet; undefined once the boot is complete. */
  phase: PhaseName | undefined
  /** Steps of a boot that has not been observed as a whole yet. */
  workload: WorkloadObservation | undefined
  lost: LabError | undefined
}

/** Everything that is fixed before QEMU is spawned. */
export interface Planned {
  readonly request: RunRequest
  readonly folder: RunFolder
  readonly events: EventLog
  readonly startedAt: string
  readonly images: readonly GuestImage[]
  readonly accelerator: Accelerator
  readonly prediction: Prediction
  readonly sealed: { readonly sha256: string; readonly at: string }
}
