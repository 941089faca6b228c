import type { ResolvedClaim } from '../shared/documents/index.ts'
import type { Subject, SubjectValues } from '../shared/documents/subjects.ts'
import type { Json } from '../shared/json.ts'
import { fromHex, hex } from '../shared/units.ts'
import {
  blobOf,
  CMDLINE,
  FIRMWARE_MAP,
  layoutOf,
  MAP_ADDRESS,
  recordsOf,
  REGIONS,
  RELEASE,
  ROOT_ADDRESS,
  rootBytes,
  sha256,
  subtreesOf,
} from './sample-facts.fixture.ts'

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
    claimOf(0, 'tree.regions', 'The reserve_mem regions are handed over', true),
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
        .map((record) => ({ ...record, digest: sha256(record.start).slice(0, 32) })),
    ),
    claimOf(1, 'handover.marks', 'Preserved pages are marked', { records: [...recordsOf(0)], others: 0 }),
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
