import type { Comparison, Observation, Prediction } from '../shared/documents/index.ts'

/** A raw capture of the run. `hex` only where the file is small enough to be shown in a report. */
export interface RawFile {
  readonly file: string
  readonly size: number
  readonly sha256: string
  readonly hex?: string | undefined
}

/** What a report shows beside the comparison. */
export interface ReportExtras {
  readonly observation: Observation
  readonly prediction: Prediction
  /** Every raw capture, as it is on disk beside the report. */
  readonly rawFiles: readonly RawFile[]
  /** The last lines of the serial console. */
  readonly serialTail: readonly string[]
}

/** A report format: a pure function of the comparison and its extras. */
export type Render = (comparison: Comparison, extras: ReportExtras) => string

export interface ReportFormat {
  readonly render: Render
  readonly mediaType: string
  /** Without the dot; the report of a run is `report.<extension>`. */
  readonly extension: string
}
