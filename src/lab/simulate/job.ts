import type { ObservedStart } from '../../model/policy/observed-start.ts'
import type { PolicyId, StudyCase, StudyMap, StudyPrimitive, StudyRow } from '../../shared/documents/index.ts'
import type { LabErrorInit } from '../../shared/result.ts'

/** One policy with one seed, and one value of what is varied. */
export interface Job {
  readonly index: number
  readonly study: StudyCase
  readonly policy: PolicyId
  readonly value: number | undefined
  readonly seed: number
  readonly generations: number
  readonly check: boolean
  readonly observed: ObservedStart | undefined
  /** The study's file. */
  readonly file: string
  /** Also tries the driver's primitive, which is the same for every seed. */
  readonly primitive: boolean
  /** Cells of the map that goes with each generation; no map when undefined. */
  readonly mapCells: number | undefined
}

/** One generation that is done. */
export interface Generation {
  readonly row: StudyRow
  readonly map?: StudyMap | undefined
}

/** What a worker says: that a generation is done, that all of the job is, or what broke. */
export type WorkerMessage =
  | { readonly type: 'generation'; readonly generation: Generation }
  | { readonly type: 'done'; readonly primitive?: StudyPrimitive | undefined }
  | { readonly type: 'broken'; readonly error: LabErrorInit }
