import type { RequestName } from '../shared/contract.ts'
import type { StudyFormat } from '../shared/study-formats.ts'
import { listStudies } from './simulate/study-shelf.ts'
import type { StudyRuns } from './simulate/study-runs.ts'

type StudyRequest = Extract<RequestName, `study:${string}`>

/** How the desk answers what pages ask of the policy lab. */
export function studyHandlers(studies: StudyRuns) {
  return {
    'study:list': () => listStudies(),
    'study:start': ({ study }: { study: unknown }) => studies.start(study),
    'study:cancel': async ({ id }: { id: string }) => ({ cancelled: studies.cancel(id) }),
    'study:runs': async () => studies.list(),
    'study:events': async ({ id }: { id: string }) => studies.events(id),
    'study:report': async ({ id, format }: { id: string; format: StudyFormat }) => studies.report(id, format),
  } as const satisfies Record<StudyRequest, unknown>
}
