import { POLICIES } from '../../model/policy/policies.ts'
import { tryPrimitive } from '../../model/policy/primitive.ts'
import { PolicyBroken, simulate } from '../../model/policy/simulate.ts'
import type { StudyMap, StudyPrimitive } from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import type { Generation, Job } from './job.ts'

/**
 * Runs one simulation; `onGeneration` after each. Answers what the driver's primitive did, if it was asked for. Throws LabError
 * internal, with the command that repeats it, when a rule of the model broke.
 */
export function doJob(job: Job, onGeneration: (generation: Generation) => void): StudyPrimitive | undefined {
  const { value, mapCells } = job
  const valued = <T extends object>(of: T): T & { value?: number } => (value === undefined ? of : { ...of, value })
  let map: StudyMap | undefined
  const maps = mapCells === undefined ? {} : { map: { cells: mapCells, on: (drawn: StudyMap) => void (map = valued(drawn)) } }
  try {
    for (const row of simulate({ ...job, policy: POLICIES[job.policy], ...maps })) onGeneration({ row: valued(row), map })
  } catch (error) {
    if (!(error instanceof PolicyBroken)) throw error
    throw new LabError(
      {
        code: 'internal',
        message: error.message,
        hint: 'This is a defect of the model; the line below repeats it.',
        evidence: error.evidence.map((options) => `kho-lab simulate ${job.file} ${options}`),
      },
      { cause: error },
    )
  }
  return job.primitive ? tryPrimitive(job.study, job.policy) : undefined
}
