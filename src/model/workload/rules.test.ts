import { expect, it } from 'vitest'
import { Once } from '../once.ts'
import { tableRecords, workloadRules } from './rules.ts'

const shape = (name: string) => ({ name, kind: 'folio', entries: 2, pages: 2 })
const table = (...names: readonly string[]) => ({
  'workload.table': {
    address: '0x1000',
    sets: names.map((name) => ({
      ...shape(name),
      hash: '0x5',
      records: [{ start: '0x2000', order: 0, count: 2 }],
      listPages: [],
      areaChunks: [],
      areaOrder: 0,
    })),
  },
})
const context = { kernels: [], cmdlines: [], once: new Once() }
const sets = [{ ...shape('sure') }, { ...shape('movable'), maybe: true as const }]

it('takes a set that may have come over for there exactly where the table of the boot before has it', () => {
  const inherited = (...names: readonly string[]) => workloadRules['sets-inherited'].apply({ sets }, table(...names), context)
  expect(inherited('sure', 'movable')).toEqual({ ok: true, value: [shape('sure'), shape('movable')] })
  expect(inherited('sure')).toEqual({ ok: true, value: [shape('sure')] })
})

it('restores such a set only then, and has no answer when a set is missing that must be there', () => {
  const inputs = { sets: sets.map((set, index) => ({ ...set, index })), nodes: [[{ start: '0x0', end: '0x100000' }]] }
  const restored = (...names: readonly string[]) => workloadRules['sets-restored'].apply(inputs, table(...names), context)
  expect(restored('sure', 'movable')).toMatchObject({ value: [{ name: 'sure' }, { name: 'movable', restored: 2, managed: 2 }] })
  expect(restored('sure')).toMatchObject({ value: [{ name: 'sure' }] })
  expect(restored('movable')).toEqual({ ok: false, error: 'the table of the boot before has no set sure' })
})

it('has KHO take a set of movable pages unless one of them lies in scratch', () => {
  const at = (start: string, end: string) =>
    workloadRules['sets-taken'].apply(
      { sets },
      {
        'workload.places': [{ name: 'movable', pages: [{ start, end }] }],
        'scratch.regions': [{ start: '0x5000', size: '0x2000' }],
      },
      context,
    )
  expect(at('0x4000', '0x5000')).toMatchObject({ value: [{ name: 'sure' }, { name: 'movable' }] })
  expect(at('0x7000', '0x8000')).toMatchObject({ value: [{ name: 'sure' }, { name: 'movable' }] })
  expect(at('0x4000', '0x6000')).toMatchObject({ value: [{ name: 'sure' }] })
})

it('counts all pages of a huge area, also those that nobody asked for, and has KHO preserve them', () => {
  const area = {
    name: 'area',
    kind: 'vmalloc' as const,
    entries: 514,
    pages: 514,
    hash: '0x5',
    records: [
      { start: '0x200000', order: 0, count: 512 },
      { start: '0x800000', order: 0, count: 2 },
    ],
    listPages: [],
    areaChunks: [{ start: '0x1000', end: '0x2000' }],
    areaOrder: 9,
    areaPages: [
      { start: '0x200000', end: '0x400000' },
      { start: '0x800000', end: '0xa00000' },
    ],
  }
  const given = { 'workload.table': { address: '0x3000', sets: [area] } }
  const inputs = { sets: [{ index: 0, name: 'area', kind: 'vmalloc', entries: 514, pages: 514 }], nodes: [] }
  expect(workloadRules['sets-restored'].apply(inputs, given, context)).toMatchObject({
    value: [{ restored: 514, managed: 1025 }],
  })
  const records = (order: number) => {
    const found = tableRecords({ address: '0x3000', sets: [{ ...area, areaOrder: order }] }, () => 0)
    return found.ok ? found.value.length : found.error
  }
  // After it was taken back once it is preserved page by page.
  expect([records(9), records(0)]).toEqual([2 + 1, 1024 + 1])
})

it('has a folio keep its virtual address exactly where the direct map stayed', () => {
  const base = '0xff11000000000000'
  const given = (pageOffsetBase: string) => ({
    'workload.table': {
      address: '0x1000',
      sets: table('sure')['workload.table'].sets.map((set) => ({ ...set, directMap: base })),
    },
    'kernel.addressSpace': { pageOffsetBase },
  })
  const inputs = { sets: [{ ...shape('sure'), index: 4 }], nodes: [] }
  const same = (now: string) => workloadRules['addresses-kept'].apply(inputs, given(now), context)
  expect(same(base)).toEqual({ ok: true, value: [{ index: 4, name: 'sure', same: 2 }] })
  expect(same('0xff2cee8700000000')).toEqual({ ok: true, value: [{ index: 4, name: 'sure', same: 0 }] })
})
