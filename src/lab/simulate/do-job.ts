import { tryPrimitive } from '../../model/policy/primitive.ts'
import { PolicyBroken, simulate } from '../../model/policy/simulate.ts'
import type { StudyRow } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import type { Job, JobAnswer } from './job.ts'

/** Runs one simulation; `onGeneration` after each. Throws LabError internal, with the command that repeats it, when a rule of the model broke. */
export function doJob(job: Job, onGeneration: () => void): JobAnswer {
  const rows: StudyRow[] = []
  try {
    for (const row of simulate(job)) {
      rows.push(job.value === undefined ? row : { ...row, value: job.value })
      onGeneration()
    }
  } catch (error) {
    if (!(error instanceof PolicyBroken)) throw error
    throw new LabError(
      {
        code: 'internal',
        message: error.message,
        hint: 'This is a defect of the model; the line below repeats it.',
        evidence: error.evidence.map((options) => `kho-lab simulate FILE ${options}`),
      },
      { cause: error },
    )
  }
  return { index: job.index, rows, primitive: job.primitive ? tryPrimitive(job.study, job.policy) : undefined }
}
