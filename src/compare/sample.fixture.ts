import { encodeKexecMetadata } from '../abi/kexec-metadata.ts'
import { kernelMemblockFdt, kernelRootFdt } from '../abi/libfdt-layout.ts'
import { encodeLuo } from '../abi/luo.ts'
import { radixLayout } from '../abi/radix.ts'
import { encodeKhoSetupData } from '../abi/setup-data.ts'
import {
  notSeen,
  seen,
  type Blob,
  type HopObservation,
  type Observation,
  type Prediction,
  type ResolvedClaim,
  type RootFdtView,
} from '../shared/documents/index.ts'
import type { Subject, SubjectValues } from '../shared/documents/subjects.ts'
import type { Json } from '../shared/json.ts'
import { fromHex, hex, physAddr } from '../shared/units.ts'
import type { ComparisonMeta } from './compare.ts'

/**
 * Two boots of a 1 GiB guest with `liveupdate=on` and one reserve_mem region, made up but consistent: the addresses are those
 * that a real guest showed, the blobs are encoded as the kernel does. Tests take it apart to see that compare notices.
 */
const RELEASE = '7.3.4'
const CMDLINE = 'console=ttyS0 kho=on liveupdate=on reserve_mem=12M:4096:trace nokaslr memblock=debug'

/** Stands in for SHA-256, which this room does not compute: 64 digits that depend on every byte. */
function sha256(data: Uint8Array | string): string {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  return Array.from({ length: 8 }, (_unused, seed) => {
    let state = seed + 1
    for (const byte of bytes) state = (state * 48_271 + byte) % 4_294_967_291
    return state.toString(16).padStart(8, '0')
  }).join('')
}

export function blobOf(bytes: Uint8Array): Blob {
  return {
    size: bytes.length,
    sha256: sha256(bytes),
    hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  }
}

const LUO_MESSAGE = 'luo: Retrieved live update data, liveupdate number: 1'

const REGIONS = [
  { start: '0x3a400000', size: '0x4400000' },
  { start: '0x3e800000', size: '0x0' },
  { start: '0x33800000', size: '0x3c00000' },
]
const FIRMWARE_MAP = [
  { start: '0x0', end: '0x9fc00', type: 'System RAM' },
  { start: '0x9fc00', end: '0xa0000', type: 'Reserved' },
  { start: '0xf0000', end: '0x100000', type: 'Reserved' },
  { start: '0x100000', end: '0x3ffe0000', type: 'System RAM' },
  { start: '0x3ffe0000', end: '0x40000000', type: 'Reserved' },
  { start: '0xb0000000', end: '0xc0000000', type: 'Reserved' },
  { start: '0xfed1c000', end: '0xfed20000', type: 'Reserved' },
  { start: '0xfffc0000', end: '0x100000000', type: 'Reserved' },
  { start: '0xfd00000000', end: '0x10000000000', type: 'Reserved' },
]
const RESERVE_MEM = { name: 'trace', start: 0x3e800000, size: 0xc00000 }
const ROOT_ADDRESS = [0x1184000, 0x1a2f000] as const
const MAP_ADDRESS = [0x1183000, 0x1a2e000] as const
const SETUP = { fdtAddress: physAddr(ROOT_ADDRESS[0]), fdtSize: 4096, scratchAddress: physAddr(0x3e7f0000), scratchSize: 48 }

const subtreesOf = (hop: 0 | 1): { name: string; address: number; bytes: Uint8Array }[] => [
  {
    name: 'kexec-metadata',
    address: ROOT_ADDRESS[hop] + 0x1000,
    bytes: encodeKexecMetadata({ version: 1, previousRelease: RELEASE, kexecCount: hop + 1 }),
  },
  {
    name: 'LUO',
    address: ROOT_ADDRESS[hop] + 0x3000,
    bytes: encodeLuo({ liveupdateNumber: hop + 1, sessions: physAddr(0), flbs: physAddr(ROOT_ADDRESS[hop] + 0x4000) }),
  },
  { name: 'memblock', address: ROOT_ADDRESS[hop] + 0x5000, bytes: kernelMemblockFdt([RESERVE_MEM]) },
]

const rootBytes = (hop: 0 | 1): Uint8Array =>
  kernelRootFdt({
    compatible: 'kho-v4',
    memoryMap: MAP_ADDRESS[hop],
    subtrees: subtreesOf(hop).map(({ name, address, bytes }) => ({ name, address, size: bytes.length })),
  })

const recordsOf = (hop: 0 | 1): { start: string; order: number }[] =>
  [
    { start: hex(ROOT_ADDRESS[hop]), order: 0 },
    ...subtreesOf(hop).map(({ address }) => ({ start: hex(address), order: 0 })),
    { start: hex(ROOT_ADDRESS[hop] + 0x4000), order: 0 },
    { start: '0x3e800000', order: 11 },
    { start: '0x3f000000', order: 10 },
  ].sort((a, b) => fromHex(a.start) - fromHex(b.start))

function rootView(hop: 0 | 1): RootFdtView {
  return {
    address: hex(ROOT_ADDRESS[hop]),
    blob: blobOf(rootBytes(hop)),
    compatible: 'kho-v4',
    preservedMemoryMap: hex(MAP_ADDRESS[hop]),
    subtrees: subtreesOf(hop)
      .reverse()
      .map(({ name, address, bytes }) => ({ name, address: hex(address), size: bytes.length, blob: seen(blobOf(bytes)) })),
  }
}

const layoutOf = (hop: 0 | 1) => radixLayout(recordsOf(hop).map(({ start, order }) => ({ start: fromHex(start), order })))

function hostOf(hop: 0 | 1): HopObservation['host'] {
  const records = recordsOf(hop)
  const hashes = recordsOf(0).map((record) => ({ record, sha256: sha256(record.start) }))
  return {
    ramMap: seen([{ start: '0x0', end: '0x40000000' }]),
    outRoot: seen(rootView(hop)),
    outRadix: seen({
      root: hex(MAP_ADDRESS[hop]),
      nodeCount: layoutOf(hop).length,
      recordCount: records.length,
      pageCount: 3077,
      complete: true,
      records,
      nodes: layoutOf(hop).map(({ level, slots }, index) => ({
        address: hex(MAP_ADDRESS[hop] - 0x1000 * index),
        level,
        slots: [...slots],
      })),
    }),
    ...(hop === 1 ? { inRoot: seen(rootView(0)) } : {}),
    scratchArray: seen({ address: hop === 0 ? '0x3ffd6000' : '0x3e7f0000', regions: REGIONS }),
    ...(hop === 0 ? { preservedBefore: seen(hashes) } : { preservedAfter: seen(hashes) }),
    banner: seen({ address: '0x1600120', text: `Linux version ${RELEASE} (lab@kho) (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC` }),
  }
}

function bootParams(hop: 0 | 1): Uint8Array {
  const bytes = new Uint8Array(4096)
  const view = new DataView(bytes.buffer)
  view.setUint32(0x218, hop === 0 ? 0x3fc95000 : 0x3d6b5000, true)
  view.setUint32(0x228, hop === 0 ? 0x20000 : 0x3e7fa000, true)
  view.setUint32(0x21c, 3_452_212, true)
  return bytes
}

function guestOf(hop: 0 | 1): HopObservation['guest'] {
  const first = hop === 0
  const absent = notSeen('ENOENT: /sys/kernel/debug/kho/out/fdt')
  const ranges = recordsOf(0).map(({ start, order }) => ({
    start,
    end: hex(fromHex(start) + 4096 * 2 ** order),
    caller: 'kho_preserved_memory_reserve+0x5c/0x90',
  }))
  return {
    bootId: seen(first ? 'a2b9b1e4-6c52-4b0e-9b29-0f5a4de8c001' : '7d3a1f60-11a8-4f3e-8a31-2f44c1b2a002'),
    release: seen(RELEASE),
    cmdline: seen(`${CMDLINE}\n`),
    khoDirectory: seen(true),
    scratchPhys: seen(REGIONS.map(({ start }) => start)),
    scratchLen: seen(REGIONS.map(({ size }) => size)),
    outFdt: first ? seen(blobOf(rootBytes(0).subarray(0, 233))) : absent,
    inFdt: first ? notSeen('ENOENT: /sys/kernel/debug/kho/in/fdt') : seen(blobOf(rootBytes(0))),
    outSubtrees: seen(Object.fromEntries(subtreesOf(hop).map(({ name, bytes }) => [name, blobOf(bytes)]))),
    inSubtrees: first ? seen({}) : seen(Object.fromEntries(subtreesOf(0).map(({ name, bytes }) => [name, blobOf(bytes)]))),
    firmwareMap: seen(FIRMWARE_MAP),
    iomem: seen([
      { start: '0x100000', end: '0x3ffe0000', name: 'System RAM', depth: 0 },
      { start: first ? '0x1000000' : '0x3da00000', end: first ? '0x1600000' : '0x3e000000', name: 'Kernel code', depth: 1 },
      { start: first ? '0x1800000' : '0x3e200000', end: first ? '0x19e5fff' : '0x3e3e6000', name: 'Kernel data', depth: 1 },
    ]),
    bootParams: seen(blobOf(bootParams(hop))),
    setupData: first ? seen([]) : seen([{ type: 10, data: blobOf(encodeKhoSetupData(SETUP)) }]),
    dmesg: seen({ size: 81_234, sha256: sha256('dmesg'), file: `raw/hop${hop}/dmesg.txt` }),
    khoMessages: seen(
      first
        ? []
        : [
            'KHO: found kexec handover data.',
            `KHO: exec from: ${RELEASE} (count 1)`,
            LUO_MESSAGE,
            'test_kho: KHO restore succeeded',
          ],
    ),
    memblockReserved: seen(first ? [{ start: '0x1000', end: '0x2000', caller: 'setup_arch+0x10/0x20' }] : ranges),
    ...(first
      ? {
          kexecSegments: seen([
            { start: '0x3e7f0000', memsz: '0x1000', name: 'scratch' },
            { start: '0x3e7fb000', memsz: '0x5000', name: 'purgatory' },
            { start: '0x3e7f9000', memsz: '0x2000', name: 'boot_params' },
            { start: '0x3da00000', memsz: '0xcbb000', name: 'kernel' },
            { start: '0x3d6b5000', memsz: '0x34b000', name: 'initrd' },
          ]),
        }
      : {}),
  }
}

const hopOf = (hop: 0 | 1): HopObservation => ({
  hop,
  phases: [
    { phase: 'kernel', ms: 412 },
    { phase: 'init', ms: 1644 },
    { phase: 'ssh', ms: 1990 },
    { phase: 'debugfs', ms: 2105 },
  ],
  guest: guestOf(hop),
  host: withSession(hop, hostOf(hop)),
  ...(hop === 0
    ? {
        luo: seen([{ op: 'create=vm', error: 0 }]),
        selftest: seen({ command: 'x', exitCode: 0, passed: 1, failed: [], output: 'ok 1 a' }),
      }
    : {}),
})

/** One empty LUO session is created in the first boot: one page more, which the next boot finds. */
function withSession(hop: 0 | 1, view: HopObservation['host']): HopObservation['host'] {
  if (hop === 1) return { ...view, luoIncoming: seen({ sessions: [{ name: 'vm', files: [] }], pageCount: 1 }) }
  const { outRadix } = view
  if (!outRadix.ok) return view
  const { recordCount, pageCount } = outRadix.value
  return { ...view, handedOver: seen({ ...outRadix.value, recordCount: recordCount + 1, pageCount: pageCount + 1 }) }
}

/** A fresh one each time: tests change it. */
export const sampleObservation = (): Observation => structuredClone(observationOf())

function observationOf(): Observation {
  const kept = [blobOf(rootBytes(0)), blobOf(rootBytes(0).subarray(0, 233)), blobOf(subtreesOf(0)[0]?.bytes ?? new Uint8Array())]
  return {
    document: 'kho-lab/observation',
    version: 1,
    environment: {
      startedAt: '2026-11-22T10:00:02.000Z',
      endedAt: '2026-11-22T10:00:09.400Z',
      lab: { version: '0.1.0', node: '24.21.0' },
      host: { kernel: '6.1.0-42-amd64', cpuModel: 'AMD EPYC 7B13', cpus: 2, memory: 8_000_000_000 },
      qemu: {
        version: '7.2.22',
        binary: '/usr/bin/qemu-system-x86_64',
        argv: [
          '-nodefaults',
          '-display',
          'none',
          '-machine',
          'q35,memory-backend=ram0',
          '-accel',
          'tcg',
          '-cpu',
          'max',
          '-m',
          '1024M',
          '-append',
          'console=ttyS0 kho=on liveupdate=on',
        ],
      },
      accelerator: { used: 'tcg', why: 'KVM opened, but no guest spoke under it within 8 s' },
      image: {
        id: '0123456789abcdef',
        kernelPackage: 'linux-source-7.3 7.3.4-1~bpo13+1',
        kernelVersion: RELEASE,
        manifestSha256: sha256('manifest'),
      },
    },
    hops: [hopOf(0), hopOf(1)],
    raw: kept.map(({ size, sha256: digest }, index) => ({ file: `raw/hop0/${index}.bin`, size, sha256: digest })),
  }
}

const KHO = 'kernel/liveupdate/kexec_handover.c'
const claimOf = <S extends Subject>(
  hop: number,
  subject: S,
  title: string,
  predicted: SubjectValues[S],
  more: Partial<ResolvedClaim> = {},
): ResolvedClaim => ({
  id: `hop${hop}.${subject}`,
  subject,
  family: subject.split('.')[0] ?? subject,
  hop,
  title,
  basis: [{ function: 'kho_init', file: KHO, release: '7.3' }],
  prediction: { kind: 'value', value: predicted as Json },
  predicted: predicted,
  givenValues: {},
  ...more,
})

const radixValue = (hop: 0 | 1): SubjectValues['preserved.radix'] => ({
  nodeCount: layoutOf(hop).length,
  levels: [5, 4, 3, 2, 1, 0].map((level) =>
    layoutOf(hop)
      .filter((node) => node.level === level)
      .map((node) => node.slots)
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  ),
})

/** Claims of both boots; all but the two that nothing predicts match the sample observation. */
export function sampleClaims(): ResolvedClaim[] {
  const { size, sha256: digest, hex: bytes = '' } = blobOf(rootBytes(0))
  const subtrees = [...subtreesOf(0)].reverse().map((subtree) => ({ name: subtree.name, size: subtree.bytes.length }))
  const low = [{ start: '0x0', end: '0x40000000' }]
  const unpredicted = (subject: Subject, title: string, reason: string): ResolvedClaim => {
    const { predicted: _none, ...claim } = claimOf(0, 'boot.release', title, '')
    return {
      ...claim,
      id: `hop0.${subject}`,
      subject,
      family: 'scratch',
      prediction: { kind: 'unpredicted', reason },
      unpredicted: { kind: 'no-rule', reason },
    }
  }
  const both = (hop: 0 | 1): ResolvedClaim[] => [
    claimOf(hop, 'boot.release', 'Release of the running kernel', RELEASE),
    claimOf(hop, 'boot.cmdline', 'Command line', CMDLINE),
    claimOf(hop, 'boot.kho', 'KHO is enabled', true),
    claimOf(hop, 'firmware.map', 'Firmware memory map', FIRMWARE_MAP, {
      basis: [{ function: 'e820__memory_setup', file: 'arch/x86/kernel/e820.c', release: '7.3' }],
    }),
    claimOf(hop, 'firmware.ram', 'Guest RAM', low),
    claimOf(hop, 'loader.cmdline', 'Where the command line was put', { address: hop === 0 ? '0x20000' : '0x3e7fa000' }),
    claimOf(hop, 'loader.setupData', 'What setup_data has', { head: '0x0', types: hop === 0 ? [] : [10] }),
    claimOf(hop, 'scratch.count', 'Number of scratch regions', 3),
    claimOf(hop, 'scratch.alignment', 'Scratch regions are aligned', { align: '0x400000', misaligned: [] }),
  ]
  return [
    ...both(0),
    claimOf(
      0,
      'scratch.order',
      'Order of scratch regions',
      ['lowmem', 'global', 'node0'].map((kind) => ({ kind, within: low })),
    ),
    unpredicted(
      'scratch.sizes',
      'Sizes of scratch regions',
      'the default of 200 % depends on early reservations, for which there is no rule',
    ),
    unpredicted(
      'scratch.addresses',
      'Where scratch regions lie',
      'this needs the order of early reservations, for which there is no rule',
    ),
    claimOf(0, 'tree.root', 'Root of the handover tree', { compatible: 'kho-v4', totalSize: size, subtrees }),
    claimOf(
      0,
      'tree.bytes',
      'Root FDT, byte by byte',
      { size, hex: bytes },
      { givenValues: { 'hop0.tree.memoryMap': hex(MAP_ADDRESS[0]) } },
    ),
    claimOf(0, 'tree.kexec-metadata', 'kexec-metadata', { version: 1, previousRelease: RELEASE, kexecCount: 1 }),
    claimOf(0, 'tree.memblock', 'reserve_mem regions', {
      compatible: 'memblock-v1',
      regions: [{ name: 'trace', size: '0xc00000' }],
    }),
    claimOf(0, 'tree.LUO', 'Live update state', { compatible: 'luo-v5', liveupdateNumber: 1 }),
    claimOf(
      0,
      'debugfs.outFdt',
      'out/fdt in debugfs',
      { present: true, size: 233, headerTotalSize: size },
      { finding: 'out-fdt-truncated' },
    ),
    claimOf(0, 'preserved.records', 'Preserved records', recordsOf(0), {
      givenValues: { 'hop0.tree.address': hex(ROOT_ADDRESS[0]) },
    }),
    claimOf(0, 'preserved.radix', 'Pages of the radix tree', radixValue(0)),
    claimOf(0, 'invariant.preserved-outside-scratch', 'Nothing preserved lies in scratch', { violations: [] }),
    claimOf(0, 'invariant.addresses-inside-ram', 'Every address lies in RAM', { violations: [] }),
    claimOf(0, 'invariant.lengths-agree', 'Lengths agree', { violations: [] }),
    ...both(1),
    claimOf(1, 'scratch.unchanged', 'Scratch regions are those of the boot before', REGIONS),
    claimOf(1, 'debugfs.outFdt', 'out/fdt in debugfs', { present: false }, { finding: 'out-fdt-absent-after-kho-boot' }),
    claimOf(1, 'debugfs.inSubtrees.LUO', 'in/sub_fdts/LUO is intact', { intact: true }),
    claimOf(0, 'luo.operations', 'What /dev/liveupdate answers', [{ op: 'create=vm', error: 0 }]),
    claimOf(0, 'luo.records', 'Records that sessions add', { order0: 1, other: 0 }),
    claimOf(1, 'luo.message', 'LUO says that it was handed its state', 'Retrieved live update data, liveupdate number: 1'),
    claimOf(1, 'luo.sessions', 'Sessions that were handed over', [{ name: 'vm', files: [] }]),
    claimOf(0, 'selftest.program', 'x passes', { exitCode: 0, failed: [] }),
    claimOf(1, 'selftest.kernel', "The kernel's test of KHO", 'KHO restore succeeded'),
    claimOf(1, 'boot.outcome', 'How this boot goes', { how: 'handover' }),
    claimOf(1, 'handover.refused', 'What the kernel says about a handover that it does not take', []),
    claimOf(1, 'handover.inFdt', 'in/fdt is the old out/fdt', { address: hex(ROOT_ADDRESS[0]), size, sha256: digest }),
    claimOf(1, 'handover.message', 'Message of the new kernel', `exec from: ${RELEASE} (count 1)`),
    claimOf(
      1,
      'handover.reserved',
      'Preserved ranges are reserved',
      recordsOf(0).map(({ start, order }) => ({ start, end: hex(fromHex(start) + 4096 * 2 ** order) })),
    ),
    claimOf(
      1,
      'handover.content',
      'Preserved content is unchanged',
      recordsOf(0)
        .slice(0, 3)
        .map((record) => ({ ...record, sha256: sha256(record.start) })),
    ),
    claimOf(1, 'handover.setupData', 'setup_data of type 10', {
      fdtAddress: hex(ROOT_ADDRESS[0]),
      fdtSize: 4096,
      scratchSize: 48,
    }),
    claimOf(1, 'handover.reserveMem', 'reserve_mem regions are revived', [
      { name: 'trace', start: '0x3e800000', size: '0xc00000' },
    ]),
    claimOf(0, 'loader.kernel', 'Where the kernel may be', {
      align: '0x200000',
      within: [{ start: '0x1000000', end: '0x3e800000' }],
    }),
    claimOf(1, 'loader.kernel', 'Where the kernel is', { start: '0x3da00000' }),
    claimOf(1, 'loader.initrd', 'Where the initrd lies', { start: '0x3d6b5000', size: 3_452_212 }),
    claimOf(1, 'kexec.load', 'The kernel was accepted', { accepted: true }),
    claimOf(1, 'kexec.kernel', 'Where the kernel was loaded', { start: '0x3da00000' }),
    claimOf(1, 'kexec.running', 'Where the kernel runs', { start: '0x3da00000' }),
    claimOf(1, 'kexec.initrd', 'Where the initrd lies', { start: '0x3d6b5000', size: 3_452_212 }),
    claimOf(1, 'kexec.scratchArray', 'Where the scratch array lies', { address: '0x3e7f0000' }),
    claimOf(1, 'kexec.segments', 'All segments', [
      { start: '0x3e7f0000', memsz: '0x1000' },
      { start: '0x3e7fb000', memsz: '0x5000' },
      { start: '0x3e7f9000', memsz: '0x2000' },
      { start: '0x3da00000', memsz: '0xcbb000' },
      { start: '0x3d6b5000', memsz: '0x34b000' },
    ]),
  ]
}

export const sampleMeta = (): ComparisonMeta => ({
  experiment: { name: 'one GiB, liveupdate, reserve_mem', sha256: sha256('experiment') },
  prediction: { sha256: sha256('prediction'), at: '2026-11-22T10:00:01.500Z' },
  resolutions: [{ hop: 0, sha256: sha256('resolution'), at: '2026-11-22T10:00:05.000Z' }],
})

export const samplePrediction = (): Prediction => ({
  document: 'kho-lab/prediction',
  version: 1,
  experimentSha256: sha256('experiment'),
  model: { version: '0.1.0' },
  kernels: [0, 1].map(() => ({
    release: RELEASE,
    bzImageSha256: sha256('bzImage'),
    initrdSize: 3_452_212,
    header: {
      initSize: 0xcbb000,
      prefAddress: 0x1000000,
      kernelAlignment: 0x200000,
      relocatable: true,
      setupSects: 39,
      version: 0x20f,
    },
    purgatorySize: 0x5000,
    configSha256: sha256('config'),
  })),
  cmdlines: ['console=ttyS0 kho=on liveupdate=on', 'console=ttyS0 kho=on liveupdate=on'],
  claims: [],
})
