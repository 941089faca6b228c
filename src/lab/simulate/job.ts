import type { PolicyId, StudyCase, StudyPrimitive, StudyRow } from '../../shared/documents/index.ts'
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
  /** Also tries the driver's primitive, which is the same for every seed. */
  readonly primitive: boolean
}

export interface JobAnswer {
  readonly index: number
  readonly rows: readonly StudyRow[]
  readonly primitive?: StudyPrimitive | undefined
}

/** What a worker says: that a generation is done, the answer, or what broke. */
export type WorkerMessage =
  | { readonly type: 'generation' }
  | { readonly type: 'answer'; readonly answer: JobAnswer }
  | { readonly type: 'broken'; readonly error: LabErrorInit }
