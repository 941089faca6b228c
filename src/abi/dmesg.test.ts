import { describe, expect, test } from 'vitest'
import { decodeMessage, khoLines, memblockReservations, stripTimestamp } from './dmesg.ts'
import { kexecLoads } from './kexec-log.ts'

describe('time stamps', () => {
  test.each([
    '[    0.000000] KHO: x',
    '[12345.678901] KHO: x',
    '<6>[    0.000000] KHO: x',
    '[    0.000000][    T0] KHO: x',
    '<12>KHO: x',
    '6,1,0,-;KHO: x',
    '6,339,5140900,c,caller=T1;KHO: x',
    'KHO: x',
  ])('%s', (line) => {
    expect(stripTimestamp(line)).toBe('KHO: x')
  })

  test('other brackets stay', () => {
    expect(stripTimestamp('[drm] x')).toBe('[drm] x')
  })
})

describe('vocabulary', () => {
  test.each([
    ['KHO: found kexec handover data. Will skip init for some devices', { kind: 'handover-found' }],
    ['KHO: exec from: 7.3.4-lab+ (count 4294967295)', { kind: 'exec-from', release: '7.3.4-lab+', count: 4294967295 }],
    ['KHO: scratch scale is 150%', { kind: 'scratch-scale', percent: 150 }],
    [
      'KHO: scratch areas: lowmem: 16MiB global: 64MiB pernode: 32MiB',
      { kind: 'scratch-areas', lowmemMiB: 16, globalMiB: 64, pernodeMiB: 32 },
    ],
    [
      "KHO: setup: handover FDT (0x5a2000) is incompatible with 'kho-v4': 1",
      { kind: 'handover-incompatible', address: 0x5a2000, wanted: 'kho-v4' },
    ],
    ['KHO: setup: handover FDT (0x5a2000) is invalid: -9', { kind: 'handover-invalid', address: 0x5a2000, error: -9 }],
    ['KHO: setup: handover FDT (0xfffffffffffff000) is invalid: -9', { kind: 'other' }],
    ['KHO: disabling KHO revival', { kind: 'handover-dropped' }],
    ['KHO: disabling KHO revival: -22', { kind: 'handover-dropped' }],
    ['KHO: Failed to reserve nid 1 scratch buffer', { kind: 'scratch-failed', what: 'nid 1 scratch buffer' }],
    ['KHO: Failed to reserve scratch area, disabling kexec handover', { kind: 'kho-disabled' }],
    ['KHO: disabled in the kdump kernel', { kind: 'kho-disabled' }],
    ['KHO: Failed to extend scratch: -ENOMEM', { kind: 'other' }],
    ['luo: Retrieved live update data, liveupdate number: 3', { kind: 'luo-retrieved', liveupdateNumber: 3 }],
    ["Revived memory reservation 'trace' from KHO", { kind: 'reserve-mem-revived', name: 'trace' }],
    ["KHO reserve-mem 'trace' has wrong size (0xc00000 != 0x800000)", { kind: 'other' }],
    ["FDT 'memblock' has no child 'oops': -1", { kind: 'other' }],
    ['failed to prepare memblock FDT for KHO: -22', { kind: 'other' }],
    ['Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.', { kind: 'other' }],
    ['Command line: kho=on', undefined],
    ['user says KHO: exec from: 7.3.4 (count 1)', undefined],
    ['', undefined],
  ])('%s', (line, message) => {
    expect(decodeMessage(line)).toEqual(message)
  })

  test('lines of a log, without what others print', () => {
    expect(
      khoLines('[    0.000000] Linux version 7.3.4\r\n[    0.1] KHO: found kexec handover data.\r\n\r\n[    0.2] luo: x\n'),
    ).toEqual(['KHO: found kexec handover data.', 'luo: x'])
  })
})

describe('memblock=debug', () => {
  test('7.3 with node and flags, 6.18 without, a caller without symbol', () => {
    expect(
      memblockReservations(
        [
          '[    0.000000] __memblock_reserve: [0x0000000001cb2000-0x0000000001cc1fff] nid=-1 flags=20 setup_arch+0x674/0x94c',
          '[    0.000000] memblock_reserve: [0x0000000001000000-0x0000000001ffffff] setup_arch+0x1/0x2',
          '[    0.000000] __memblock_reserve: [0x0000000000001000-0x0000000000001fff] nid=1 flags=0 0xffffffff81000000',
          '[    0.000000] __memblock_reserve: [0x000000003ec00000-0x000000003ebfffff] nid=-1 flags=20 memblock_alloc_range_nid+0xcd/0x161',
          '[    0.000000] memblock_add: [0x0000000000001000-0x000000000009fbff] e820__memblock_setup+0x6f/0xd0',
          '[    0.000000] __memblock_reserve: [0xffffffffffff1000-0xffffffffffffffff] nid=1 flags=0 nonsense+0x1/0x2',
        ].join('\n'),
      ),
    ).toEqual([
      { start: 0x1cb2000, end: 0x1cc2000, nid: -1, flags: '20', caller: 'setup_arch+0x674/0x94c' },
      { start: 0x1000000, end: 0x2000000, nid: undefined, flags: undefined, caller: 'setup_arch+0x1/0x2' },
      { start: 0x1000, end: 0x2000, nid: 1, flags: '0', caller: '0xffffffff81000000' },
      { start: 0x3ec00000, end: 0x3ec00000, nid: -1, flags: '20', caller: 'memblock_alloc_range_nid+0xcd/0x161' },
    ])
  })
})

describe('KEXEC_FILE_DEBUG', () => {
  const load = (kernel: string): string =>
    [
      'kexec_file: kernel: 00000000d8cf2d4b kernel_size: 0x352400',
      'kexec-bzImage64: Final command line is: console=ttyS0 kho=on',
      'kexec-bzImage64: Loaded purgatory at 0x3d7fb000',
      `kexec-bzImage64: Loaded 64bit kernel at ${kernel} bufsz=0x34e400 memsz=0xf2d000`,
      'kexec_file: nr_segments = 2',
      'kexec_file: segment[0]: buf=0x00000000bed935a5 bufsz=0x4000 mem=0x3d7fb000 memsz=0x5000',
      `kexec_file: segment[1]: buf=0x00000000f08287b4 bufsz=0x34e400 mem=${kernel} memsz=0xf2d000`,
      '',
    ].join('\n')

  test('two loads are two, with their own command line and addresses', () => {
    const segments = (start: number): unknown[] => [
      { start: 0x3d7fb000, bufsz: 0x4000, memsz: 0x5000, name: 'purgatory' },
      { start, bufsz: 0x34e400, memsz: 0xf2d000, name: 'kernel' },
    ]
    expect(kexecLoads(load('0x3c800000') + load('0x3ca00000'))).toEqual([
      { count: 2, commandLine: 'console=ttyS0 kho=on', segments: segments(0x3c800000) },
      { count: 2, commandLine: 'console=ttyS0 kho=on', segments: segments(0x3ca00000) },
    ])
  })

  test('a log that begins in the middle of a load shows what it has', () => {
    expect(kexecLoads(load('0x3c800000').split('\n').slice(-2).join('\n'))).toEqual([
      {
        count: undefined,
        commandLine: undefined,
        segments: [{ start: 0x3c800000, bufsz: 0x34e400, memsz: 0xf2d000, name: undefined }],
      },
    ])
  })

  test('no load', () => {
    expect(kexecLoads('KHO: exec from: 7.3.4 (count 1)')).toEqual([])
  })
})
