import { computed, inject, shallowReactive, shallowRef, type InjectionKey } from 'vue'
import type { Diagnosis, ExperimentListing, RequestOut, RunEvent, RunListing } from '../../shared/contract.ts'
import type { Settings } from '../../shared/settings-contract.ts'
import type { Connection } from '../client/connection.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import { runClaims, type RunClaims } from './claims.ts'
import { after, EMPTY_RUN, type RunState } from './run-state.ts'
import { SerialFeed } from './serial-feed.ts'
import { createShells } from './shells.ts'

type Info = RequestOut<'lab:info'>
type Image = RequestOut<'image:list'>[number]
export type Build =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly phase: string; readonly percent: number; readonly secondsLeft?: number | undefined }
  | { readonly state: 'done'; readonly release: string }
  | { readonly state: 'failed'; readonly problem: Problem }

/** Everything a page knows of one run. Values are replaced whole, never changed inside. */
export interface RunRecord {
  state: RunState
  /** What happened before this page looked has been read. */
  loaded: boolean
  problem: Problem | undefined
  comparison: RunClaims | undefined
  comparisonProblem: Problem | undefined
}

export type Lab = ReturnType<typeof createLab>
export const LAB: InjectionKey<Lab> = Symbol('lab')

export function useLab(): Lab {
  const lab = inject(LAB)
  if (!lab) throw new Error('no lab was provided')
  return lab
}

/** The page's state: what the lab said last. One per page. */
export function createLab(connection: Connection) {
  const { client } = connection
  const info = shallowRef<Info>()
  const experiments = shallowRef<readonly ExperimentListing[]>()
  const runs = shallowRef<readonly RunListing[]>()
  const images = shallowRef<readonly Image[]>()
  const diagnoses = shallowRef<readonly Diagnosis[]>()
  const settings = shallowRef<Settings>()
  const problem = shallowRef<Problem>()
  const build = shallowRef<Build>({ state: 'idle' })
  const records = new Map<string, RunRecord>()
  const feeds = new Map<string, SerialFeed>()
  /** Runs that another window started, for which the list was read again. */
  const heardOf = new Set<string>()

  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
      problem.value = undefined
    } catch (error) {
      problem.value = problemOf(error)
    }
  }

  const refreshRuns = (): Promise<void> =>
    guarded(async () => {
      runs.value = await client.invoke('run:list', {})
    })
  const refreshImages = (): Promise<void> =>
    guarded(async () => {
      images.value = await client.invoke('image:list', {})
    })
  const refreshDoctor = (): Promise<void> =>
    guarded(async () => {
      diagnoses.value = await client.invoke('lab:doctor', {})
    })
  const refresh = async (): Promise<void> => {
    await guarded(async () => {
      const [nextInfo, nextSettings, nextExperiments, nextRuns] = await Promise.all([
        client.invoke('lab:info', {}),
        client.invoke('lab:settings', {}),
        client.invoke('experiment:list', {}),
        client.invoke('run:list', {}),
      ])
      info.value = nextInfo
      settings.value = nextSettings
      if (nextInfo.building && build.value.state !== 'running') build.value = { state: 'running', phase: 'going on', percent: 0 }
      experiments.value = nextExperiments
      runs.value = nextRuns
    })
  }

  const recordOf = (id: string): RunRecord => {
    const known = records.get(id)
    if (known) return known
    const fresh = shallowReactive<RunRecord>({
      state: EMPTY_RUN,
      loaded: false,
      problem: undefined,
      comparison: undefined,
      comparisonProblem: undefined,
    })
    records.set(id, fresh)
    return fresh
  }
  const feedOf = (id: string): SerialFeed => {
    const feed = feeds.get(id) ?? new SerialFeed()
    feeds.set(id, feed)
    return feed
  }

  const apply = (id: string, event: RunEvent): void => {
    const record = recordOf(id)
    if (event.type === 'serial') feedOf(id).push(event.text)
    record.state = after(record.state, event)
    if (event.type === 'finished' || event.type === 'failed') void refreshRuns()
    if (event.type === 'finished') void loadComparison(id)
  }

  /** Reads all that happened in a run so far; from then on events keep it current. */
  const watchRun = async (id: string): Promise<void> => {
    const record = recordOf(id)
    if (record.loaded) return
    try {
      const past = await client.invoke('run:events', { id })
      feedOf(id).clear()
      record.state = EMPTY_RUN
      record.loaded = true
      record.problem = undefined
      for (const event of past) apply(id, event)
    } catch (error) {
      record.problem = problemOf(error)
    }
  }

  const loadComparison = async (id: string): Promise<void> => {
    const record = recordOf(id)
    try {
      record.comparison = runClaims(await client.invoke('run:claims', { id }))
      record.comparisonProblem = undefined
    } catch (error) {
      record.comparisonProblem = problemOf(error)
    }
  }

  const startRun = async (yaml: string, hold = false): Promise<string> => {
    const { id } = await client.invoke('run:start', { yaml, hold })
    await refreshRuns()
    return id
  }

  const setNotify = (notify: boolean): Promise<void> =>
    guarded(async () => {
      settings.value = await client.invoke('lab:set', { notify })
    })
  const cancelBuild = (): Promise<void> =>
    guarded(async () => {
      await client.invoke('image:cancel', {})
    })

  const buildImage = async (): Promise<boolean> => {
    build.value = { state: 'running', phase: 'asking what there is', percent: 0 }
    try {
      await client.invoke('image:build', {})
      return true
    } catch (error) {
      build.value = { state: 'failed', problem: problemOf(error) }
      return false
    }
  }

  client.on('run:event', ({ id, event }) => {
    const record = records.get(id)
    if (runs.value && !runs.value.some((run) => run.id === id) && !heardOf.has(id)) {
      heardOf.add(id)
      void refreshRuns()
    }
    // A run that no view has looked at is read whole when one does.
    if (record?.loaded) apply(id, event)
    else if (event.type === 'finished' || event.type === 'failed') void refreshRuns()
  })
  client.on('image:ended', ({ release, error }) => {
    if (release !== undefined) build.value = { state: 'done', release }
    else if (error !== undefined) build.value = { state: 'failed', problem: error }
    void Promise.all([refreshImages(), refreshDoctor()])
  })
  client.on('image:progress', (progress) => {
    build.value = { state: 'running', ...progress }
  })
  connection.onReturn(() => {
    void refresh()
    for (const [id, record] of records) {
      record.loaded = false
      void watchRun(id)
    }
  })

  return {
    client,
    shells: createShells(client),
    link: connection.link,
    info,
    experiments,
    runs,
    images,
    diagnoses,
    settings,
    problem,
    build,
    running: computed(() => (runs.value ?? []).filter((run) => run.state === 'running')),
    refresh,
    refreshRuns,
    refreshImages,
    refreshDoctor,
    recordOf,
    feedOf,
    watchRun,
    loadComparison,
    startRun,
    buildImage,
    cancelBuild,
    setNotify,
  }
}
