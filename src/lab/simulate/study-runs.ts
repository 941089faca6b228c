import type { ObservedStart } from '../../model/policy/observed-start.ts'
import type { Study, StudyMap, StudyResult } from '../../shared/documents/index.ts'
import { LabError, toLabError } from '../../shared/result.ts'
import { MAP_CELLS, MOST_GENERATIONS, type StudyEvent, type StudyRunListing } from '../../shared/study-contract.ts'
import type { StudyFormat } from '../../shared/study-formats.ts'
import { studyHtml } from './report.ts'
import { runStudy, type RunStudy } from './run-study.ts'
import { completeStudy, withStart } from './study-file.ts'
import { studyYaml } from './study-yaml.ts'
import { studyCsv } from './tables.ts'

/** Studies of this process, for pages. The newest {@link KEPT} are kept. */
export interface StudyRuns {
  /** Rejects with LabError bad-study, refused when there is too much to do or to show, or as `folderOf` does. */
  start(input: unknown): Promise<StudyRunListing>
  cancel(id: string): boolean
  list(): readonly StudyRunListing[]
  /** Everything so far. What comes after this call comes as an event, and nothing comes as both. */
  events(id: string): readonly StudyEvent[]
  report(id: string, format: StudyFormat): { readonly name: string; readonly mediaType: string; readonly text: string }
  /** Cancels all and waits for their threads. */
  dispose(): Promise<void>
}

export interface StudyRunsOptions {
  readonly emit: (id: string, events: StudyEvent[]) => void
  /** Where the run lies that a study begins with. */
  readonly folderOf: (run: string) => Promise<string>
  readonly workers?: number
}

const KEPT = 4
const AT_ONCE = 2
const GATHER_MS = 100

class StudyRun {
  readonly abort = new AbortController()
  readonly events: StudyEvent[] = []
  waiting: StudyEvent[] = []
  timer: ReturnType<typeof setTimeout> | undefined
  state: StudyRunListing['state'] = 'running'
  result: StudyResult | undefined
  readonly maps: StudyMap[] = []
  done: Promise<void> = Promise.resolve()
  readonly id: string
  readonly study: Study
  readonly observed: ObservedStart | undefined
  constructor(id: string, study: Study, observed: ObservedStart | undefined) {
    this.id = id
    this.study = study
    this.observed = observed
  }
  get listing(): StudyRunListing {
    return { id: this.id, study: this.study, state: this.state }
  }
}

export function createStudyRuns({ emit, folderOf, workers }: StudyRunsOptions): StudyRuns {
  const runs = new Map<string, StudyRun>()
  let count = 0

  const flush = (run: StudyRun): void => {
    clearTimeout(run.timer)
    run.timer = undefined
    const events = run.waiting
    run.waiting = []
    if (events.length === 0) return
    run.events.push(...events.filter(({ type }) => type !== 'progress'))
    emit(run.id, events)
  }
  const tell = (run: StudyRun, event: StudyEvent): void => {
    // Only the last word on progress is of interest.
    if (event.type === 'progress') run.waiting = run.waiting.filter(({ type }) => type !== 'progress')
    run.waiting.push(event)
    run.timer ??= setTimeout(() => flush(run), GATHER_MS)
  }

  const find = (id: string): StudyRun => {
    const run = runs.get(id)
    if (run !== undefined) return run
    throw new LabError({ code: 'run-not-found', message: `there is no study ${id} any more`, hint: 'Run it again.' })
  }

  const follow = async (run: StudyRun): Promise<void> => {
    try {
      run.result = await runStudy(optionsOf(run, (event) => tell(run, event), workers))
      const { primitives, unfinished = [] } = run.result
      run.state = run.result.unfinished === undefined ? 'done' : 'cancelled'
      tell(run, { type: 'finished', primitives, unfinished })
    } catch (error) {
      run.state = 'failed'
      tell(run, { type: 'failed', error: { ...toLabError(error).toJSON(), evidence: [...toLabError(error).evidence] } })
    }
    flush(run)
    const over = [...runs.values()].filter(({ state }) => state !== 'running')
    for (const { id } of over.slice(0, Math.max(0, over.length - KEPT))) runs.delete(id)
  }

  return {
    async start(input) {
      const { study, observed } = await withStart(completeStudy(input), folderOf)
      refuseTooMuch(study, [...runs.values()].filter(({ state }) => state === 'running').length)
      const run = new StudyRun(`study-${++count}`, study, observed)
      runs.set(run.id, run)
      run.done = follow(run)
      return run.listing
    },
    cancel(id) {
      const run = runs.get(id)
      if (run?.state !== 'running') return false
      run.abort.abort()
      return true
    },
    list: () => [...runs.values()].map(({ listing }) => listing).reverse(),
    events(id) {
      const run = find(id)
      flush(run)
      return run.events
    },
    report: (id, format) => reportOf(find(id), format),
    async dispose() {
      for (const run of runs.values()) run.abort.abort()
      await Promise.all([...runs.values()].map(({ done }) => done))
    },
  }
}

function optionsOf(run: StudyRun, tell: (event: StudyEvent) => void, workers: number | undefined): RunStudy {
  return {
    study: run.study,
    observed: run.observed,
    signal: run.abort.signal,
    mapCells: MAP_CELLS,
    workers,
    onProgress: ({ percent, secondsLeft }) =>
      tell({ type: 'progress', percent, ...(secondsLeft === undefined ? {} : { secondsLeft }) }),
    onGeneration: ({ row, map }) => {
      if (map !== undefined) run.maps.push(map)
      tell({ type: 'generation', row, ...(map === undefined ? {} : { map }) })
    },
  }
}

function refuseTooMuch({ policies, seeds, generations, vary }: Study, running: number): void {
  if (running >= AT_ONCE)
    throw new LabError({ code: 'refused', message: `${AT_ONCE} studies are running`, hint: 'Wait for one to end or cancel one.' })
  const all = policies.length * seeds * generations * (vary?.values.length ?? 1)
  if (all > MOST_GENERATIONS)
    throw new LabError({
      code: 'refused',
      message: `${all} generations in all are more than a page can show; at most ${MOST_GENERATIONS}`,
      hint: 'Take fewer policies, seeds, generations or values, or run it in a terminal with kho-lab simulate FILE --csv.',
    })
}

function reportOf({ id, study, result, maps, state }: StudyRun, format: StudyFormat): ReturnType<StudyRuns['report']> {
  const file = (extension: string): string => `${slugOf(study.name)}.${extension}`
  const yaml = studyYaml(study)
  if (format === 'yaml') return { name: file('yaml'), mediaType: 'application/yaml', text: yaml }
  if (result === undefined)
    throw new LabError({
      code: 'refused',
      message: `${id} ${state === 'running' ? 'is still running' : 'failed and has no result'}`,
      hint: 'A report can be written when the study has ended.',
    })
  switch (format) {
    case 'html': {
      const command = `kho-lab simulate ${file('yaml')}`
      return { name: file('html'), mediaType: 'text/html', text: studyHtml({ study, result, command, maps }) }
    }
    case 'csv':
      return { name: file('csv'), mediaType: 'text/csv', text: studyCsv(result) }
    case 'json':
      return { name: file('json'), mediaType: 'application/json', text: `${JSON.stringify(result)}\n` }
  }
}

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'study'
