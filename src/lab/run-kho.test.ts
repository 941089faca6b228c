import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { RunKho, RunMap } from '../shared/boot-views.ts'
import { Observation } from '../shared/documents/index.ts'
import { khoOfRun } from './run-kho.ts'
import { mapOfRun } from './run-map.ts'

const RUN = join(import.meta.dirname, '../../tests/recorded/two-hops')

it('shows the tree of a recorded boot: in beside out beside RAM', async () => {
  const kho = RunKho.parse(await khoOfRun(RUN, 1))
  expect(
    kho.structures.map(({ title, copies }) => [title, copies.map(({ side, by, size }) => `${side}/${by} ${size}`).join(', ')]),
  ).toEqual([
    ['root FDT', 'in/guest 345, in/RAM 345, out/RAM 345'],
    ['subtree LUO', 'in/guest 32, in/RAM 32, out/guest 32, out/RAM 32'],
    ['subtree kexec-metadata', 'in/guest 73, in/RAM 73, out/guest 73, out/RAM 73'],
    ['subtree memblock', 'in/guest 210, in/RAM 210, out/guest 210, out/RAM 210'],
    ['setup_data, type 10 (KHO)', 'in/guest 32'],
  ])
  expect(kho.structures[0]?.absent).toEqual([{ side: 'out', by: 'guest', reason: 'ENOENT: /sys/kernel/debug/kho/out/fdt' }])
})

it('leads from the radix tree to what each record holds, and who preserved it', async () => {
  const { radix } = await khoOfRun(RUN, 0)
  if ('unobserved' in radix) throw new Error(radix.unobserved)
  // Every path ends at a bit that the recorded leaf of its level-5 slot has.
  const leaves = radix.nodes.filter(({ level }) => level === 0).flatMap(({ slots }) => (typeof slots === 'string' ? [] : slots))
  expect(radix.records.map(({ path }) => path.at(-1)).sort()).toEqual(leaves.sort())
  expect(radix.records.map(({ order, owner }) => [order, owner])).toEqual([
    [0, 'root FDT'],
    [0, 'subtree kexec-metadata'],
    [0, 'LUO, objects bound to file lifecycles'],
    [0, 'subtree LUO'],
    [0, 'subtree memblock'],
    [10, 'reserve_mem trace'],
  ])
})

it('says of a boot that was not observed that it was not', async () => {
  await expect(khoOfRun(RUN, 7)).rejects.toMatchObject({ code: 'run-not-found' })
})

it('maps a recorded boot: sides, nodes, zones, and what lies in what', async () => {
  const map = RunMap.parse(await mapOfRun(RUN, 1))
  const ofHost = map.lanes.find(({ name }) => name === 'host')
  expect(ofHost?.ranges.map(({ kind, starts }) => [kind, starts.length])).toEqual([
    ['ram', 1],
    ['scratch', 2],
    ['handover', 20],
    ['preserved', 6],
  ])
  expect(map.bands.map(({ name, start, end }) => [name, start, end])).toEqual([
    ['node 0', 0, 0x20000000],
    ['DMA', 0, 0x1000000],
    ['DMA32', 0x1000000, 0x20000000],
  ])
  for (const { ranges } of map.lanes) {
    for (const { starts, ends, labels } of ranges) {
      expect([...starts].sort((a, b) => a - b)).toEqual(starts)
      expect([ends.length, labels.length]).toEqual([starts.length, starts.length])
      expect(labels.every((label) => map.texts[label] !== undefined)).toBe(true)
    }
  }
})

it('maps what there is when the folder of a run has lost documents', async () => {
  await expect(mapOfRun(join(RUN, 'nowhere'), 0)).rejects.toMatchObject({ code: 'run-not-found' })
})

it('has the sessions that a boot was handed, and the sets of khoprobe with the pages of their lists', async () => {
  const file = { token: 7, compatible: 'memfd-v2', size: 8192, folios: 2, intactPages: 2 }
  const place = { session: 'vm', token: 7, state: '0x3000', lists: [], folios: [{ start: '0x6000', end: '0x8000' }], more: 2 }
  const set = { name: 'big', kind: 'vmalloc' as const, entries: 3, pages: 3, hash: '0x1', records: [], areaOrder: 0 }
  const more = {
    luoIncoming: {
      ok: true as const,
      value: { address: '0x9000', sessions: [{ name: 'vm', files: [file] }], places: [place], pageCount: 6 },
    },
    probeTable: {
      ok: true as const,
      value: {
        address: '0x8000',
        sets: [{ ...set, listPages: [{ start: '0x5000', end: '0x7000' }], areaChunks: [{ start: '0xa000', end: '0xb000' }] }],
      },
    },
  }
  const observation = Observation.parse(JSON.parse(await readFile(join(RUN, 'observation.json'), 'utf8')))
  const folder = await mkdtemp(join(tmpdir(), 'kho-lab-kho-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const hops = observation.hops.map((seen) => ({ ...seen, host: { ...seen.host, ...more } }))
  await writeFile(join(folder, 'observation.json'), JSON.stringify({ ...observation, hops }))
  const { sessions, sets } = RunKho.parse(await khoOfRun(folder, 1))
  expect(sessions).toEqual({
    address: 0x9000,
    pageCount: 6,
    names: ['vm'],
    files: [{ session: 'vm', ...file, state: 0x3000, lists: [], folioRanges: [{ start: 0x6000, end: 0x8000 }], more: 2 }],
  })
  expect(sets).toMatchObject([
    { name: 'big', kind: 'vmalloc', lists: [{ start: 0x5000, end: 0x7000 }], chunks: [{ start: 0xa000, end: 0xb000 }] },
  ])
})
