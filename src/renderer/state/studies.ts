import { computed, shallowReactive, shallowRef, type ComputedRef } from 'vue'
import type { Study, StudyMap, StudyPrimitive, StudyResult, StudyRow } from '../../shared/documents/index.ts'
import type { LabClient } from '../../shared/contract.ts'
import type { StudyEvent, StudyListing, StudyRunListing } from '../../shared/study-contract.ts'
import type { StudyFormat } from '../../shared/study-formats.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import { useLab } from './lab.ts'

/** What a page knows of one study that runs or ran. Arrays are replaced whole, never changed inside. */
export interface StudyRecord {
  readonly id: string
  readonly study: Study
  state: StudyRunListing['state']
  rows: readonly StudyRow[]
  maps: readonly StudyMap[]
  primitives: readonly StudyPrimitive[]
  unfinished: StudyResult['unfinished']
  percent: number
  secondsLeft: number | undefined
  problem: Problem | undefined
}

export type Studies = ReturnType<typeof createStudies>

const known = new WeakMap<LabClient, Studies>()

/** The policy lab's studies; the same for every view that asks. */
export function useStudies(): Studies {
  const { client } = useLab()
  const studies = known.get(client) ?? createStudies(client)
  known.set(client, studies)
  return studies
}

function createStudies(client: LabClient) {
  const listings = shallowRef<readonly StudyListing[]>()
  const records = shallowReactive(new Map<string, StudyRecord>())
  const problem = shallowRef<Problem>()
  /** What the form holds, and which of the listed studies it began as. */
  const draft = shallowRef<Study>()
  const preset = shallowRef<string>()
  const current = shallowRef<string>()
  /** What the map shows. */
  const tab = shallowRef<'map' | 'charts' | 'numbers'>('map')
  const mapPolicy = shallowRef<string>()
  const mapValue = shallowRef<number>()
  const record: ComputedRef<StudyRecord | undefined> = computed(() =>
    current.value === undefined ? undefined : records.get(current.value),
  )

  const follow = ({ id, study, state }: StudyRunListing): StudyRecord => {
    const fresh = shallowReactive<StudyRecord>({
      id,
      study,
      state,
      rows: [],
      maps: [],
      primitives: [],
      unfinished: undefined,
      percent: 0,
      secondsLeft: undefined,
      problem: undefined,
    })
    records.set(id, fresh)
    return fresh
  }

  const guarded = async <T>(job: () => Promise<T>): Promise<T | undefined> => {
    problem.value = undefined
    try {
      return await job()
    } catch (error) {
      problem.value = problemOf(error)
      return undefined
    }
  }

  const choose = (id: string): void => {
    const study = listings.value?.find((listing) => listing.id === id)?.study
    if (study === undefined) return
    preset.value = id
    draft.value = study
  }

  /** Reads what there is, and what has been running since before this page was opened. */
  const open = async (): Promise<void> => {
    await guarded(async () => {
      const [all, runs] = await Promise.all([client.invoke('study:list', {}), client.invoke('study:runs', {})])
      listings.value = all
      for (const run of [...runs].reverse()) {
        if (records.has(run.id)) continue
        const fresh = follow(run)
        apply(fresh, await client.invoke('study:events', { id: run.id }))
      }
      current.value ??= runs[0]?.id
    })
  }

  const start = async (): Promise<void> => {
    const study = draft.value
    if (study === undefined) return
    await guarded(async () => {
      const run = await client.invoke('study:start', { study: { ...study } })
      if (!records.has(run.id)) follow(run)
      current.value = run.id
    })
  }

  client.on('study:event', ({ id, events }) => {
    const of = records.get(id)
    if (of !== undefined) apply(of, events)
  })

  return {
    listings,
    records,
    problem,
    draft,
    preset,
    current,
    record,
    tab,
    mapPolicy,
    mapValue,
    choose,
    open,
    start,
    cancel: (id: string) => guarded(() => client.invoke('study:cancel', { id })),
    report: (id: string, format: StudyFormat) => guarded(() => client.invoke('study:report', { id, format })),
  }
}

/** Takes in what happened, in order. */
export function apply(record: StudyRecord, events: readonly StudyEvent[]): void {
  const generations = events.filter((event) => event.type === 'generation')
  if (generations.length > 0) {
    record.rows = [...record.rows, ...generations.map(({ row }) => row)]
    const maps = generations.flatMap(({ map }) => map ?? [])
    if (maps.length > 0) record.maps = [...record.maps, ...maps]
  }
  for (const event of events) {
    switch (event.type) {
      case 'generation':
        break
      case 'progress':
        record.percent = event.percent
        record.secondsLeft = event.secondsLeft
        break
      case 'finished':
        record.primitives = event.primitives
        record.unfinished = event.unfinished.length === 0 ? undefined : event.unfinished
        record.state = event.unfinished.length === 0 ? 'done' : 'cancelled'
        break
      case 'failed':
        record.problem = event.error
        record.state = 'failed'
        break
    }
  }
}

/** The result as far as it is known: while a study runs, what is not done yet counts as unfinished. */
export function resultSoFar({ study, rows, primitives, unfinished, state }: StudyRecord): StudyResult {
  const going = state === 'running' ? stillGoing(study, rows) : unfinished
  return {
    study: study.name,
    generations: study.generations,
    seeds: study.seeds,
    ...(study.vary === undefined ? {} : { vary: study.vary.parameter }),
    rows: [...rows].sort(inOrderOf(study)),
    ...(going === undefined || going.length === 0 ? {} : { unfinished: going }),
    primitives: [...primitives],
  }
}

/** Simulations that have shown neither their last generation nor a handover that failed. */
function stillGoing({ generations }: Study, rows: readonly StudyRow[]): NonNullable<StudyResult['unfinished']> {
  const last = new Map<string, StudyRow>()
  for (const row of rows) last.set(`${row.policy}/${row.value ?? ''}/${row.seed}`, row)
  return [...last.values()]
    .filter(({ possible, generation }) => possible && generation + 1 < generations)
    .map(({ policy, value, seed }) => ({ policy, seed, ...(value === undefined ? {} : { value }) }))
}

function inOrderOf({ policies, vary }: Study): (a: StudyRow, b: StudyRow) => number {
  const place = (row: StudyRow): number =>
    (vary?.values.indexOf(row.value ?? Number.NaN) ?? 0) * policies.length + policies.indexOf(row.policy)
  return (a, b) => place(a) - place(b) || a.seed - b.seed || a.generation - b.generation
}
