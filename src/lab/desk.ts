import { events, type EventName, type EventPayload } from '../shared/contract.ts'
import type { Comparison } from '../shared/documents/index.ts'
import { LabError, toLabError } from '../shared/result.ts'
import { claimsNamed, claimTable } from './claim-table.ts'
import { answer, isRequestName, type Handlers } from './desk-answer.ts'
import { DeskBuild } from './desk-build.ts'
import { DeskRuns } from './desk-runs.ts'
import { DeskShells } from './desk-shells.ts'
import { studyHandlers } from './desk-studies.ts'
import type { DeskDependencies } from './desk-use-cases.ts'
import { editForm, formOf } from './experiment-form.ts'
import { createStudyRuns } from './simulate/study-runs.ts'
import { startFolder } from './simulate/study-shelf.ts'

export type DeskListener = <K extends EventName>(name: K, payload: EventPayload<K>) => void

/** The server side of the contract: hosts pass requests in and carry events out. */
export interface Desk {
  /** Answers one request. Both directions are checked against the contract. Rejects with LabError only. */
  handle(name: string, input: unknown): Promise<unknown>
  /** Tells `listener` every event from now on. Returns a function that ends it. */
  subscribe(listener: DeskListener): () => void
  /** Whether a run, a study or a build goes on. */
  working(): boolean
  /** Cancels what is running and waits for it, at most `boundMs`. */
  dispose(boundMs?: number): Promise<void>
}

const COMPARISONS_KEPT = 2
const DISPOSE_BOUND_MS = 20_000

export function createDesk(dependencies: DeskDependencies): Desk {
  const listeners = new Set<DeskListener>()
  let disposed = false

  const emit = <K extends EventName>(name: K, payload: EventPayload<K>): void => {
    const checked = events[name].parse(payload) as EventPayload<K>
    for (const listener of listeners) listener(name, checked)
  }

  const runs = new DeskRuns((id, event) => emit('run:event', { id, event }))

  const build = new DeskBuild((options) => dependencies.buildImage(options), emit)

  /** Of a run that is over nothing changes any more; the last that pages looked at stay read. */
  const compared = new Map<string, Promise<Comparison>>()
  const comparisonOf = (id: string): Promise<Comparison> => {
    const known = compared.get(id)
    if (known) return known
    const read = dependencies.comparison(id)
    compared.set(id, read)
    read.catch(() => compared.delete(id))
    for (const oldest of [...compared.keys()].slice(0, Math.max(0, compared.size - COMPARISONS_KEPT))) compared.delete(oldest)
    return read
  }

  const shells = new DeskShells({
    data: (payload) => emit('shell:data', payload),
    closed: (payload) => emit('shell:closed', payload),
  })

  const studies = createStudyRuns({
    emit: (id, gathered) => emit('study:event', { id, events: gathered }),
    folderOf: (run) => startFolder(run, dependencies.runFolder),
  })

  const handlers: Handlers = {
    ...studyHandlers(studies),
    'lab:info': async () => ({
      version: dependencies.version,
      host: dependencies.host,
      firstRun: runs.listedWith(await dependencies.listRuns()).length === 0,
      building: build.goesOn,
    }),
    'lab:doctor': () => dependencies.doctor(),
    'lab:doctor-kernel': ({ file }) => dependencies.doctorKernel(file),
    'image:list': () => dependencies.listImages(),
    'lab:settings': () => dependencies.settings(),
    'lab:set': (settings) => dependencies.changeSettings(settings),
    'image:build': () => build.start(),
    'image:cancel': async () => ({ cancelled: build.cancel() }),
    'experiment:list': () => dependencies.listExperiments(),
    'experiment:predict': ({ yaml }) => dependencies.predict(yaml),
    'experiment:form': async ({ yaml }) => formOf(yaml),
    'experiment:edit': async ({ yaml, path, value }) => ({ yaml: editForm(yaml, path, value) }),
    'run:start': ({ yaml, hold }) => runs.start((options) => dependencies.startRun(yaml, { ...options, hold: hold === true })),
    'attach:list': () => dependencies.listMachines(),
    'attach:start': (target) => runs.start((options) => dependencies.attach(target, options)),
    'predict:sweep': ({ yaml, sweep }) => dependencies.sweep(yaml, sweep),
    'run:proceed': async ({ id }) => ({ proceeded: runs.controlsOf(id).proceed() }),
    'run:pause': async ({ id, paused }) => {
      await runs.controlsOf(id).pause(paused)
      return {}
    },
    'run:vitals': async ({ id }) => runs.controlsOf(id).vitals(),
    'shell:open': async ({ id, ...size }) => shells.open(id, runs.controlsOf(id), size),
    'shell:list': async ({ id }) => shells.list(id),
    'shell:write': async ({ shell, text }) => {
      shells.write(shell, text)
      return {}
    },
    'shell:resize': async ({ shell, ...size }) => {
      shells.resize(shell, size)
      return {}
    },
    'shell:close': async ({ shell }) => {
      shells.close(shell)
      return {}
    },
    'run:cancel': async ({ id }) => ({ cancelled: runs.cancel(id) }),
    'run:list': async () => runs.listedWith(await dependencies.listRuns()),
    'run:events': async ({ id }) => runs.eventsOf(id) ?? dependencies.storedEvents(id),
    'run:kho': ({ id, hop }) => dependencies.kho(id, hop),
    'run:map': ({ id, hop }) => dependencies.map(id, hop),
    'run:claims': async ({ id }) => claimTable(await comparisonOf(id)),
    'run:claims-named': async ({ id, claims }) => claimsNamed(await comparisonOf(id), claims),
    'run:rule': ({ id, claim }) => dependencies.rule(id, claim),
    'run:comparison': ({ id }) => dependencies.comparison(id),
    'run:report': ({ id, format }) => dependencies.report(id, format),
    'run:pdf': ({ id }) => dependencies.pdf(id),
    'run:diff': ({ a, b }) => dependencies.diff(a, b),
    'report:open': ({ name, text }) => Promise.resolve(dependencies.openReport(name, text)),
  }

  return {
    async handle(name, input) {
      if (disposed) throw new LabError({ code: 'refused', message: 'the lab is closing' })
      if (!isRequestName(name))
        throw new LabError({ code: 'refused', message: 'the lab has no such request', evidence: [name.slice(0, 100)] })
      try {
        return await answer(name, input, handlers)
      } catch (error) {
        throw toLabError(error)
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    working: () => build.goesOn || runs.goOn || studies.list().some(({ state }) => state === 'running'),
    async dispose(boundMs = DISPOSE_BOUND_MS) {
      disposed = true
      build.cancel()
      shells.closeAll()
      runs.cancelAll()
      await studies.dispose()
      const deadline = Date.now() + boundMs
      while (Date.now() < deadline && (build.goesOn || runs.goOn)) {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      listeners.clear()
    },
  }
}
