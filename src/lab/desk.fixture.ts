import type { AttachableMachine, EventPayload, RunEvent, RunListing, RunMap } from '../shared/contract.ts'
import { diffRuns } from '../compare/diff-runs.ts'
import { Comparison, type ComparedClaim, type ImageManifest, type Prediction } from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import type { DeskDependencies } from './desk.ts'
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

const SHA = '3f2a'.repeat(16)
const AT = '2026-11-22T10:00:00.000Z'

export const fixtureSummary = { match: 30, differ: 1, unobserved: 1, unpredicted: 2, run: 'disagreed' } as const

export const fixtureImage: ImageManifest = {
  document: 'kho-lab/image',
  version: 1,
  id: '00112233445566aa',
  release: '7.3',
  kernelRelease: '7.3.4',
  source: 'linux-source-7.3 7.3.4-1~bpo13+1',
  configSha256: SHA,
  purgatorySize: 20480,
  compiler: 'gcc 12.2.0',
  packages: ['busybox-static=1.35'],
  builtAt: AT,
  files: [{ name: 'bzImage', size: 3_400_000, sha256: SHA }],
}

const basis = [{ function: 'kho_reserve_scratch', file: 'kernel/liveupdate/kexec_handover.c', release: '7.3' }]

const claim = (part: Partial<ComparedClaim> & Pick<ComparedClaim, 'id' | 'verdict' | 'reason'>): ComparedClaim => ({
  subject: part.id.replace(/^hop\d+\./, ''),
  family: part.id.split('.')[1] ?? 'boot',
  hop: Number(part.id.slice(3).split('.')[0]),
  title: part.id,
  guest: { unobserved: 'the guest does not show this' },
  host: { unobserved: 'not read from RAM' },
  basis,
  given: {},
  ...part,
})

const regions = [
  { start: '0x3a400000', size: '0x4400000' },
  { start: '0x3e800000', size: '0x0' },
  { start: '0x33800000', size: '0x3c00000' },
]
const moved = regions.map((region, index) => (index === 1 ? { ...region, size: '0x400000' } : region))

export const fixtureComparison: Comparison = {
  document: 'kho-lab/comparison',
  version: 1,
  experiment: { name: 'hello', sha256: SHA },
  prediction: { sha256: SHA, at: AT },
  resolutions: [],
  environment: {
    startedAt: AT,
    endedAt: AT,
    lab: { version: '0.1.0', node: 'v24' },
    host: { kernel: '6.18', cpuModel: 'cpu', cpus: 2, memory: 8e9 },
    qemu: { version: '7.2', binary: 'qemu-system-x86_64', argv: [] },
    accelerator: { used: 'tcg', why: 'KVM said nothing' },
    image: { id: 'x', kernelVersion: '7.3.4' },
  },
  summary: fixtureSummary,
  claims: [
    claim({
      id: 'hop0.scratch.regions',
      verdict: 'differ',
      predicted: regions,
      guest: { value: moved },
      host: { value: moved },
      reason: 'region 1 is 0x400000 long, not 0x0',
    }),
    claim({
      id: 'hop0.tree.bytes',
      verdict: 'match',
      predicted: { size: 64, hex: 'd00dfeed'.repeat(40) },
      host: { value: { size: 64, hex: 'd00dfeed'.repeat(40) } },
      reason: 'equal',
    }),
    claim({
      id: 'hop0.scratch.sizes',
      verdict: 'unpredicted',
      guest: { value: regions.map((region) => region.size) },
      reason: 'needs the early reservations of this boot',
    }),
    claim({
      id: 'hop1.handover.message',
      verdict: 'unobserved',
      predicted: '7.3.4 (count 1)',
      reason: 'dmesg was cut <b>off</b>',
    }),
    ...Array.from({ length: 30 }, (_unused, index) =>
      claim({
        id: `hop1.boot.fact${index}`,
        verdict: 'match',
        predicted: `0x${index.toString(16)}000`,
        guest: { value: `0x${index.toString(16)}000` },
        reason: 'equal',
      }),
    ),
  ],
  findings: [
    {
      id: 'out-fdt-truncated',
      title: 'out/fdt is shorter than its blob',
      status: 'confirmed',
      words: 'The file has 233 bytes, the header says 345.',
      hop: 0,
      claim: 'hop0.tree.bytes',
      basis,
    },
  ],
}

export const fixtureScript: readonly RunEvent[] = [
  { type: 'predicted', claims: 34, sha256: SHA },
  { type: 'started', accelerator: 'tcg', why: 'KVM: the guest said nothing within 3 s' },
  { type: 'step', hop: 0, text: 'starting QEMU' },
  {
    type: 'serial',
    text: 'SeaBIOS\r\n\x1b]52;c;aGk=\x07\x1b]0;title\x07[    0.000000] Linux version 7.3.4 <script>alert(1)</script>\r\n',
  },
  { type: 'phase', hop: 0, phase: 'firmware', ms: 210 },
  { type: 'phase', hop: 0, phase: 'kernel', ms: 640 },
  { type: 'phase', hop: 0, phase: 'init', ms: 1700 },
  { type: 'phase', hop: 0, phase: 'ssh', ms: 1920 },
  { type: 'phase', hop: 0, phase: 'debugfs', ms: 2110 },
  { type: 'step', hop: 1, text: 'kexec -e' },
  { type: 'phase', hop: 1, phase: 'kernel', ms: 520 },
  { type: 'finished', directory: '/runs/x', summary: fixtureSummary, findings: fixtureComparison.findings },
]

const fixtureMap: RunMap = {
  hop: 0,
  ramEnd: 0x40000000,
  texts: ['System RAM', 'scratch lowmem', 'order 0'],
  bands: [{ row: 'zone', name: 'DMA32', start: 0x1000000, end: 0x40000000 }],
  lanes: (['predicted', 'guest', 'host'] as const).map((name) => ({
    name,
    missing: [],
    ranges: [
      { kind: 'ram', starts: [0], ends: [0x40000000], labels: [0] },
      { kind: 'scratch', starts: [0x3a400000], ends: [0x3e800000], labels: [1] },
      { kind: 'preserved', starts: [0x563000], ends: [0x564000], labels: [2] },
    ],
  })),
}

const prediction: Prediction = {
  document: 'kho-lab/prediction',
  version: 1,
  experimentSha256: SHA,
  model: { version: '1' },
  kernels: [],
  cmdlines: ['console=ttyS0 kho=on'],
  claims: [
    {
      id: 'hop0.scratch.count',
      subject: 'scratch.count',
      family: 'scratch',
      hop: 0,
      title: 'Number of scratch regions',
      basis,
      prediction: { kind: 'value', value: 3 },
    },
  ],
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
      return prediction
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
    storedEvents: async (id) => {
      known(id)
      return script
    },
    comparison: async (id) => {
      known(id)
      return options.comparison ?? fixtureComparison
    },
    map: async (id, hop) => {
      known(id)
      return options.map ?? { ...fixtureMap, hop }
    },
    kho: async (id, hop) => {
      known(id)
      return { hop, structures: [], scratch: [], radix: { unobserved: 'RAM was not read' } }
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
  }
}
