import { join } from 'node:path'
import type { RunMap } from '../shared/boot-views.ts'
import type { AttachableMachine, EventPayload, RunEvent, RunListing } from '../shared/contract.ts'
import { diffRuns } from '../compare/diff-runs.ts'
import { Comparison, type ImageManifest } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { AT, fixtureComparison, fixtureImage, fixtureMap, fixturePrediction, fixtureScript } from './desk-run.fixture.ts'
import type { DeskDependencies } from './desk-use-cases.ts'
import { parseDocument } from './read-document.ts'
import type { RunControls } from './run/controls.ts'

/** Synthetic use cases for tests of the desk, the hosts and the page: nothing boots, time is short, every state can be reached. */
export interface FixtureOptions {
  readonly runs?: readonly RunListing[]
  readonly comparison?: Comparison
  readonly report?: string
  readonly map?: RunMap
  readonly machines?: readonly AttachableMachine[]
  /** What a run is compared with when two are. */
  readonly other?: Comparison
  readonly images?: readonly ImageManifest[]
  /** Milliseconds between the events of a run; 0 ends it at once. */
  readonly pace?: number
  /** What a run tells, after its name is known. */
  readonly script?: readonly RunEvent[]
}

/** A guest whose shell says what is typed into it. */
const fixtureControls: RunControls = {
  proceed: () => false,
  pause: async () => undefined,
  vitals: async () => ({
    status: 'running',
    hop: 0,
    pid: 4242,
    cpuSeconds: 12.5,
    residentBytes: 300 * 2 ** 20,
    held: false,
    paused: false,
  }),
  shell: async (_size, { onText, onClosed }) => {
    onText('fixture # ')
    return {
      write: (text) => onText(text),
      resize: () => undefined,
      flow: () => undefined,
      close: () => onClosed('closed'),
    }
  },
}

export function fixtureDependencies(options: FixtureOptions = {}): DeskDependencies {
  const { pace = 0, script = fixtureScript } = options
  let started = 0
  const stored = options.runs ?? []
  let settings = { notify: false }
  let images = options.images ?? [fixtureImage]
  const known = (id: string): void => {
    if (!stored.some((run) => run.id === id) && started === 0)
      throw new LabError({ code: 'run-not-found', message: `there is no run ${id}`, hint: 'Pick one from the list.' })
  }
  return {
    version: '0.1.0',
    host: 'browser',
    doctor: async () => [
      { id: 'qemu', title: 'QEMU', state: 'ok', detail: 'QEMU emulator version 7.2.22' },
      { id: 'kvm', title: 'KVM', state: 'warning', detail: 'opens, but no guest spoke under it', fix: 'nothing: TCG is used' },
    ],
    doctorKernel: async (file) => [{ id: 'kernel', title: 'Kernel', state: 'ok', detail: `7.3.4, ${file}` }],
    listImages: async () => images.map((manifest) => ({ manifest, size: 7_000_000 })),
    buildImage: async ({ onProgress, signal }) => {
      for (const percent of [0, 40, 80]) {
        const progress: EventPayload<'image:progress'> = { phase: 'compiling', percent, secondsLeft: 90 - percent }
        onProgress(progress)
        await new Promise((resolve) => setTimeout(resolve, pace))
        signal.throwIfAborted()
      }
      images = [fixtureImage, ...images]
      return fixtureImage
    },
    listExperiments: async () => [
      { id: 'hello', name: 'hello', description: 'one node, one hop', yaml: 'name: hello\nhops: 1\n' },
      { id: 'two-nodes', name: 'two nodes', description: 'two NUMA nodes', yaml: 'name: two nodes\nmachine: { nodes: 2 }\n' },
    ],
    predict: async (yaml) => {
      if (yaml.includes('bad'))
        throw new LabError({ code: 'bad-experiment', message: 'hello.yaml:2:1: bad: unknown key', hint: 'Correct the file.' })
      return fixturePrediction
    },
    sweep: async () => ({
      parameter: 'memory',
      assumed: ['TCG'],
      rows: [
        {
          value: 2 ** 30,
          memory: 2 ** 30,
          nodes: 1,
          cpus: 2,
          kho: true,
          regions: 3,
          scratch: { regions: [{ kind: 'lowmem', size: 2 ** 26 }], size: 2 ** 26, share: 1 / 16 },
          nextFits: true,
          why: [],
        },
      ],
    }),
    startRun: async (_yaml, { onEvent, signal }) => {
      if (images.length === 0)
        throw new LabError({ code: 'image-missing', message: 'no guest image is built yet', hint: 'Build it.' })
      started += 1
      const listing: RunListing = {
        id: `20261122-1000${String(started).padStart(2, '0')}-hello`,
        name: 'hello',
        state: 'running',
        startedAt: AT,
      }
      const done = (async () => {
        for (const event of script) {
          if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace))
          else await Promise.resolve()
          if (signal.aborted) throw new LabError({ code: 'cancelled', message: 'the run was cancelled' })
          onEvent(event)
        }
      })()
      return { listing, done, controls: fixtureControls }
    },
    listRuns: async () => stored,
    runFolder: async (id) => join('/nowhere', id),
    storedEvents: async (id) => {
      known(id)
      return script
    },
    comparison: async (id) => {
      known(id)
      return options.comparison ?? fixtureComparison
    },
    rule: async (id) => {
      known(id)
      const source = { name: 'kho_reserve_scratch', file: 'kernel/liveupdate/kexec_handover.c', release: '7.3' }
      return { words: 'One region after the other.', kind: 'value', given: [], sources: [source] }
    },
    map: async (id, hop) => {
      known(id)
      return options.map ?? { ...fixtureMap, hop }
    },
    kho: async (id, hop) => {
      known(id)
      return { hop, structures: [], scratch: [], radix: { unobserved: 'RAM was not read' }, sets: [] }
    },
    report: async (id, format) => {
      known(id)
      return {
        name: `${id}.${format}`,
        mediaType: format === 'html' ? 'text/html' : 'text/plain',
        text: options.report ?? `<h1>Report of ${id}</h1><script>parent.hacked = 1</script>`,
      }
    },
    pdf: async (id) => {
      known(id)
      return { name: `${id}.pdf`, base64: Buffer.from('%PDF-1.4').toString('base64') }
    },
    listMachines: async () => options.machines ?? [],
    attach: async () => {
      throw new LabError({ code: 'monitor-busy', message: 'another client has the monitor', hint: 'End the other client.' })
    },
    diff: async (a, b) => {
      known(a)
      known(b)
      const comparison = options.comparison ?? fixtureComparison
      return diffRuns({ comparison }, { comparison: options.other ?? comparison })
    },
    openReport: (name, text) => parseDocument(name, text, Comparison),
    settings: async () => settings,
    changeSettings: async (wanted) => (settings = wanted),
  }
}
