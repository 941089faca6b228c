import { describe, expect, it } from 'vitest'
import { notSeen, seen, type GuestMemory, type HopObservation } from '../../shared/documents/index.ts'
import type { MemorySubjects } from '../../shared/documents/memory-subjects.ts'
import { sampleObservation } from '../sample.fixture.ts'
import { judge } from '../verdict.ts'
import { observe } from './index.ts'

const sample = (): GuestMemory => ({
  zones: seen([
    { node: 0, zone: 'DMA32', free: 90, spanned: 120, present: 110, managed: 100, cma: 20, startPfn: 1 },
    { node: 0, zone: 'Normal', free: 0, spanned: 0, present: 0, managed: 0, cma: 0 },
  ]),
  buddy: seen([{ node: 0, zone: 'DMA32', freeByOrder: [2, 4, 20] }]),
  pageBlocks: seen([{ node: 0, zone: 'DMA32', blocks: { Movable: 3, CMA: 2 } }]),
  total: seen('0x64000'),
  e820: seen([{ start: '0x0', end: '0x9fc00', type: 'System RAM' }]),
  lines: seen([
    'KHO: found kexec handover data.',
    'Zone ranges:',
    '  DMA32    [mem 0x0000000000001000-0x000000003ffdffff]',
    '  Normal   empty',
    'Early memory node ranges',
    '  node   0: [mem 0x0000000000001000-0x000000000009efff]',
    'On node 0, zone DMA32: 97 pages in unavailable ranges',
    'percpu: Embedded 42 pages/cpu s132312 r8192 d31528 u1048576',
    'Built 1 zonelists, mobility grouping on.  Total pages: 1048446',
    'Dentry cache hash table entries: 131072 (order: 8, 1048576 bytes, linear)',
    'Memory: 3555580K/4193784K available (4136K kernel code, 1386K rwdata, 2240K rodata, 928K init, 444K bss, 630004K reserved, 0K cma-reserved)',
    'KHO: exec from: 7.3.4 (count 1)',
    'Freeing unused kernel image (initmem) memory: 928K',
    'Freeing initrd memory: 3468K',
  ]),
  hugepages: seen([
    { size: '2048kB', pages: 4 },
    { size: '2048kB', node: 0, pages: 3 },
  ]),
  nodeRanges: seen([
    { node: 0, start: '0x1000', end: '0x40000' },
    { node: 0, start: '0x40000', end: '0x60000' },
  ]),
  reserved: seen([{ start: '0x0', end: '0x70000' }]),
})

type Change = (memory: GuestMemory, hop: HopObservation) => void
/** Replaces the one line that has `from` in it. */
const line =
  (from: string, to: string): Change =>
  (memory) =>
    void (memory.lines = seen((memory.lines.ok ? memory.lines.value : []).map((text) => text.replace(from, to))))
const zone = (memory: GuestMemory) => (memory.zones.ok ? memory.zones.value[0] : undefined)

/** For every subject: of what it is claimed, what the sample shows, and a change that must turn it into a difference. */
const subjects: { readonly [S in keyof MemorySubjects]: { part?: string; shown: MemorySubjects[S]; change: Change } } = {
  'zone.populated': {
    shown: [{ node: 0, zone: 'DMA32' }],
    change: ({ zones }) => {
      if (zones.ok) zones.value = zones.value.map((one) => ({ ...one, present: 1 }))
    },
  },
  'zone.span': {
    part: 'node0.DMA32',
    shown: { startPfn: 1, spanned: 120, present: 110 },
    change: (memory) => Object.assign(zone(memory) ?? {}, { present: 109 }),
  },
  'zone.managed': {
    part: 'node0.DMA32',
    shown: 100,
    change: (memory) => Object.assign(zone(memory) ?? {}, { managed: 101 }),
  },
  'zone.cma': { part: 'node0.DMA32', shown: 20, change: (memory) => Object.assign(zone(memory) ?? {}, { cma: 0 }) },
  'zone.cmaBlocks': {
    part: 'node0.DMA32',
    shown: 2,
    change: (memory) => void (memory.pageBlocks = seen([{ node: 0, zone: 'DMA32', blocks: { CMA: 1 } }])),
  },
  'zone.totalRam': { shown: '0x64000', change: (memory) => void (memory.total = seen('0x63000')) },
  'invariant.buddy-within-managed': {
    shown: { violations: [] },
    change: (memory) => Object.assign(zone(memory) ?? {}, { managed: 89 }),
  },
  'memblock.reserved': {
    shown: [{ start: '0x1000', end: '0x60000' }],
    change: (memory) => void (memory.reserved = seen([{ start: '0x1000', end: '0x50000' }])),
  },
  'firmware.e820': {
    shown: [{ start: '0x0', end: '0x9fc00', type: 'System RAM' }],
    change: (memory) => void (memory.e820 = seen([{ start: '0x0', end: '0x9f000', type: 'System RAM' }])),
  },
  'iomem.memory': {
    shown: [
      { name: 'System RAM', start: '0x100000', end: '0x3ffe0000' },
      { name: 'Kernel code', start: '0x1000000', end: '0x1600000' },
      { name: 'Kernel data', start: '0x1800000', end: '0x19e5fff' },
    ],
    change: (_memory, { guest }) => {
      if (guest.iomem.ok) guest.iomem.value.pop()
    },
  },
  'hugetlb.pages': {
    part: '2048kB',
    shown: 4,
    change: (memory) => void (memory.hugepages = seen([{ size: '2048kB', pages: 5 }])),
  },
  'hugetlb.nodePages': {
    part: '2048kB.node0',
    shown: 3,
    change: (memory) => void (memory.hugepages = seen([{ size: '2048kB', node: 0, pages: 4 }])),
  },
  'log.zones': {
    shown: [
      'Zone ranges:',
      '  DMA32    [mem 0x0000000000001000-0x000000003ffdffff]',
      '  Normal   empty',
      'Early memory node ranges',
      '  node   0: [mem 0x0000000000001000-0x000000000009efff]',
      'On node 0, zone DMA32: 97 pages in unavailable ranges',
    ],
    change: line('97 pages', '98 pages'),
  },
  'log.zonelists': {
    shown: 'Built 1 zonelists, mobility grouping on.  Total pages: 1048446',
    change: line('1048446', '1048447'),
  },
  'log.percpu': { shown: 'percpu: Embedded 42 pages/cpu s132312 r8192 d31528 u1048576', change: line('s132312', 's132320') },
  'log.hashTables': {
    shown: [{ name: 'Dentry cache', entries: 131072, bytes: 1048576 }],
    change: line('entries: 131072', 'entries: 65536'),
  },
  'log.memory': {
    shown: {
      total: 4193784,
      kernelCode: 4136,
      rwdata: 1386,
      rodata: 2240,
      init: 928,
      bss: 444,
      reserved: 630004,
      cmaReserved: 0,
    },
    change: line('630004K', '630008K'),
  },
  'log.freed': {
    shown: ['Freeing initrd memory: 3468K', 'Freeing unused kernel image (initmem) memory: 928K'],
    change: line('928K', '924K'),
  },
  'log.kho': {
    shown: ['KHO: found kexec handover data.', 'KHO: exec from: 7.3.4 (count 1)'],
    change: line('count 1', 'count 2'),
  },
  'log.reserveMem': {
    shown: ["Revived memory reservation 'trace' from KHO"],
    change: (_memory, { guest }) => void (guest.khoMessages = seen(['KHO: found kexec handover data.'])),
  },
  'memblock.nodeRanges': {
    shown: [
      { node: 0, start: '0x1000', end: '0x40000' },
      { node: 0, start: '0x40000', end: '0x60000' },
    ],
    change: (memory) => void (memory.nodeRanges = seen([{ node: 0, start: '0x1000', end: '0x60000' }])),
  },
}

describe.each(Object.entries(subjects))('%s', (subject, { part, shown, change }) => {
  const verdict = (adjust: Change, predicted = shown) => {
    const observation = sampleObservation()
    const memory = sample()
    for (const hop of observation.hops) {
      hop.guest.memory = memory
      hop.guest.khoMessages = seen(["Revived memory reservation 'trace' from KHO", 'KHO: found kexec handover data.'])
      if (hop.hop === 0) adjust(memory, hop)
    }
    const claim = { hop: 0, predicted, ...(part === undefined ? {} : { part }) }
    const { guest, host } = observe(subject, { claim, observation })
    return judge(claim, guest, host).verdict
  }

  it('matches what is shown, and nothing else', () => {
    expect(verdict(() => undefined)).toBe('match')
    expect(verdict(change)).toBe('differ')
  })

  it('is unobserved where the guest did not show it', () => {
    const observation = sampleObservation()
    for (const hop of observation.hops) hop.guest.iomem = notSeen('EIO: /proc/iomem')
    const claim = { hop: 0, predicted: shown, ...(part === undefined ? {} : { part }) }
    const { guest, host } = observe(subject, { claim, observation })
    expect(judge(claim, guest, host).verdict).toBe('unobserved')
  })
})

it('has nothing to say of a zone that the guest does not name', () => {
  const observation = sampleObservation()
  for (const hop of observation.hops) hop.guest.memory = sample()
  const { guest } = observe('zone.managed', { claim: { hop: 0, part: 'node1.Normal', predicted: 1 }, observation })
  expect(guest).toEqual({ unobserved: 'the guest shows no zone node1.Normal' })
})

it('takes nothing for absent because a kernel log has lost its beginning', () => {
  const observation = sampleObservation()
  for (const hop of observation.hops) {
    hop.guest.memory = sample()
    hop.guest.khoMessages = seen([])
    hop.guest.memory.lines = seen(['Mount-cache hash table entries: 2048 (order: 2, 16384 bytes, linear)'])
  }
  const look = (subject: 'boot.outcome' | 'handover.refused' | 'handover.reserved' | 'log.kho' | 'log.hashTables') =>
    observe(subject, { claim: { hop: 1, predicted: undefined }, observation }).guest
  for (const subject of ['boot.outcome', 'handover.refused', 'handover.reserved', 'log.kho'] as const)
    expect([subject, look(subject)]).toMatchObject([
      subject,
      { unobserved: expect.stringContaining('lost its beginning') as string },
    ])
  expect(look('log.hashTables')).toEqual({ unobserved: 'the kernel log does not have all of them' })
})
