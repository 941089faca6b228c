import type { RunMap } from '../shared/boot-views.ts'
import type { RunEvent } from '../shared/contract.ts'
import type { Comparison, ComparedClaim, ImageManifest, Prediction } from '../shared/documents/index.ts'

/** One run with a claim of every verdict, small enough to read, for the desk's synthetic use cases. */

const SHA = '3f2a'.repeat(16)
export const AT = '2026-11-22T10:00:00.000Z'

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

export const fixtureMap: RunMap = {
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

export const fixturePrediction: Prediction = {
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
