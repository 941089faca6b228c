import type { ObservedStart } from '../../model/policy/observed-start.ts'
import { POLICIES } from '../../model/policy/policies.ts'
import { regionProblem } from '../../model/policy/world.ts'
import {
  impossibleIn,
  StudyFile,
  withParameter,
  type Study,
  type StudyCase,
  type StudyIssue,
} from '../../shared/documents/index.ts'
import { LabError } from '../../shared/result.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import { fileError, parseYamlFile, type FileForm } from '../experiment-file.ts'
import { readNamedFile } from '../read-file.ts'
import { observedRun } from './observed-run.ts'

const STUDY: FileForm<Study, Study> = {
  noun: 'a study',
  schema: StudyFile,
  complete: (study) => {
    const issues = allIssues(study)
    return issues.length > 0 ? { issues } : { value: study, issues }
  },
}

/** What cannot be true together, for the study as it is written and for every value that it varies over. */
function allIssues(study: Study): readonly StudyIssue[] {
  const { policies, start, vary } = study
  const twice = policies.findIndex((policy, index) => policies.indexOf(policy) !== index)
  if (twice >= 0) return [{ path: ['policies', twice], message: `${policies[twice] ?? ''} is named twice` }]
  if (vary === undefined) return impossible(study, study)
  if (start !== undefined && vary.parameter === 'machine.memory')
    return [{ path: ['vary', 'parameter'], message: 'machine.memory follows from the guest that start names' }]
  return vary.values.flatMap((value, index) => {
    try {
      return impossible(study, withParameter(study, vary.parameter, value)).map(({ path, message }) => ({
        path: ['vary', 'values', index],
        message: `${path.join('.')} with ${vary.parameter} ${String(value)}: ${message}`,
      }))
    } catch (error) {
      const message =
        error instanceof Error && error.name === 'ZodError'
          ? `${String(value)} is not a possible ${vary.parameter}`
          : String(error)
      return [{ path: ['vary', 'values', index], message }]
    }
  })
}

function impossible({ policies }: Study, study: StudyCase): readonly StudyIssue[] {
  const issues = impossibleIn(study)
  if (issues.length > 0) return issues
  return policies.flatMap((policy) => {
    const message = regionProblem(study, POLICIES[policy])
    return message === undefined ? [] : [{ path: ['boot', 'region'], message }]
  })
}

/** Reads a study file. Rejects with LabError bad-study, which names line, column and key. */
export async function loadStudy(file: string): Promise<Study> {
  return parseStudy((await readNamedFile(file, 'bad-study')).toString('utf8'), file)
}

/**
 * The real guest that a study begins with, and the study on a machine of its size, with the path of the guest's folder, so that it
 * can be repeated from anywhere. `folderOf` says where the run lies that the study names. Rejects as it and {@link observedRun} do,
 * and with LabError bad-study where the study asks too much of that machine.
 */
export async function withStart(
  study: Study,
  folderOf: (run: string) => string | Promise<string>,
): Promise<{ readonly study: Study; readonly observed: ObservedStart | undefined }> {
  if (study.start === undefined) return { study, observed: undefined }
  const start = { ...study.start, run: await folderOf(study.start.run) }
  const observed = await observedRun(start.run, start.boot)
  const machine = { ...study.machine, memory: observed.frames * PAGE_SIZE, nodes: observed.nodes }
  return { study: completeStudy({ ...study, start, machine }), observed }
}

/** Throws LabError bad-study. */
export function parseStudy(text: string, fileName: string): Study {
  const parsed = parseYamlFile(text, fileName, STUDY)
  if (!parsed.ok)
    throw fileError(parsed.error, 'bad-study', 'Correct the file; schemas/study.json lists every key, and studies/ has examples.')
  return parsed.value
}

/** A study from a page, which has no lines to point at. Throws LabError bad-study, which names the key. */
export function completeStudy(input: unknown): Study {
  const parsed = StudyFile.safeParse(input)
  const issues = parsed.success ? allIssues(parsed.data) : parsed.error.issues
  if (parsed.success && issues.length === 0) return parsed.data
  throw new LabError({
    code: 'bad-study',
    message: issues.map(({ path, message }) => `${path.map(String).join('.') || 'study'}: ${message}`).join('; '),
    hint: 'schemas/study.json lists every key and what it may be.',
  })
}

/** A study with other numbers than its file has; what is impossible then is the command's fault. Throws LabError usage. */
export function adjustStudy(study: Study, changes: Partial<Pick<Study, 'policies' | 'generations' | 'seeds'>>): Study {
  const parsed = StudyFile.safeParse({ ...study, ...changes })
  const [issue] = parsed.success ? allIssues(parsed.data) : parsed.error.issues
  if (parsed.success && issue === undefined) return parsed.data
  const of = String(issue?.path[0] ?? 'study')
  throw new LabError({
    code: 'usage',
    message: `${of in changes ? '--' : ''}${issue?.path.join('.') ?? of}: ${issue?.message ?? 'not possible'}`,
    hint: 'kho-lab simulate --help says what each option takes.',
  })
}
