import { describe, expect, it } from 'vitest'
import type { CallStep, MemoryStep } from '../../shared/documents/index.ts'
import { planBoot } from './plan.ts'
import { mayLeave, type PlannedSet } from './planned-set.ts'

type AllocateStep = Extract<MemoryStep, { readonly step: 'allocate' }>

const allocate = (name: string, more: Partial<AllocateStep> = {}): MemoryStep => ({
  step: 'allocate',
  name,
  kind: 'folio',
  orders: [0, 1],
  count: 2,
  pages: 0,
  huge: false,
  movable: false,
  ...more,
})
type Verb = 'preserve' | 'unpreserve' | 'free' | 'restore' | 'verify' | 'put'
const KERNEL = { kho: true, checksScratch: true, scratchRegions: 3, nodesWithMemory: [0, 2] }
const on = (step: Verb, name: string): MemoryStep => ({ step, name })
const results = (steps: readonly MemoryStep[], handed: readonly PlannedSet[] = [], kho = true) =>
  planBoot(steps, handed, { ...KERNEL, kho }).steps.map(({ text, result }) => `${text}: ${result ?? '?'}`)

const handed: PlannedSet = { name: 'a', kind: 'folio', entries: 4, pages: 6, orders: [0, 1], huge: false, state: 'preserved' }

describe('the plan of a boot', () => {
  it('counts folios and pages', () => {
    expect(planBoot([allocate('a'), on('preserve', 'a')], [], KERNEL).left).toEqual([handed])
  })

  it('refuses what khoprobe refuses: a set in its first boot', () => {
    const verbs = ['restore', 'put', 'unpreserve', 'preserve', 'preserve', 'free', 'unpreserve', 'free', 'verify'] as const
    expect(results([allocate('a'), allocate('a'), ...verbs.map((verb) => on(verb, 'a'))])).toEqual([
      'allocate a: 2 folios of order 0..1: ok',
      'allocate a: 2 folios of order 0..1: EEXIST',
      'restore a: EINVAL',
      'put a: EINVAL',
      'unpreserve a: EINVAL',
      'preserve a: ok',
      'preserve a: EALREADY',
      'free a: EBUSY',
      'unpreserve a: ok',
      'free a: ok',
      'verify a: ENOENT',
    ])
  })

  it('refuses what khoprobe refuses: a set that came over', () => {
    const verbs = ['preserve', 'free', 'verify', 'restore', 'restore', 'verify', 'put', 'put'] as const
    expect(
      results(
        verbs.map((verb) => on(verb, 'a')),
        [handed],
      ),
    ).toEqual([
      'preserve a: EBUSY',
      'free a: EBUSY',
      'verify a: EBUSY',
      'restore a: ok',
      'restore a: EALREADY',
      'verify a: ok',
      'put a: ok',
      'put a: ENOENT',
    ])
  })

  it('has no table before something is preserved, and none with KHO off', () => {
    const steps = [allocate('a'), on('preserve', 'a')]
    expect(planBoot(steps.slice(0, 1), [], KERNEL).table).toBe(false)
    expect(planBoot(steps, [], KERNEL).table).toBe(true)
    expect(planBoot(steps, [], { ...KERNEL, kho: false }).table).toBe(false)
    expect(results(steps, [], false).at(-1)).toBe('preserve a: EOPNOTSUPP')
  })

  it('does not say whether KHO takes movable pages', () => {
    expect(results([allocate('m', { movable: true }), on('preserve', 'm')])).toEqual([
      'allocate m: 2 folios of order 0..1: ok',
      'preserve m: ?',
    ])
    expect(planBoot([allocate('m', { movable: true }), on('preserve', 'm')], [], KERNEL).withdrawn).toBe(true)
  })

  it('hands a set of movable pages on only from a boot that asked KHO to take it', () => {
    const leaving = (steps: readonly MemoryStep[], sets: readonly PlannedSet[] = []) =>
      planBoot(steps, sets, KERNEL)
        .left.filter(mayLeave)
        .map(({ name }) => name)
    const kept = allocate('m', { movable: true })
    expect([leaving([kept]), leaving([kept, on('preserve', 'm')])]).toEqual([[], ['m']])
    const [came] = planBoot([kept, on('preserve', 'm')], [], KERNEL).left
    const sets = came === undefined ? [] : [came]
    expect([leaving([on('restore', 'm')], sets), leaving([on('restore', 'm'), on('preserve', 'm')], sets)]).toEqual([[], ['m']])
  })

  it('does not say whether a name is free that a set of movable pages has, or had', () => {
    const movable = { ...handed, unknown: 'because' }
    expect(results([allocate('a')], [movable])).toEqual(['allocate a: 2 folios of order 0..1: ?'])
  })

  it('has no memory from a node that has none', () => {
    const on = (node: number) => allocate(`n${node}`, { node })
    expect(results([on(0), on(1), on(2), on(3)]).map((text) => text.split(': ').at(-1))).toEqual(['ok', 'ENODEV', 'ok', 'ENODEV'])
  })

  it('has room for 31 sets', () => {
    const many = Array.from({ length: 32 }, (_unused, index) => allocate(`s${index}`))
    expect(results(many).filter((text) => text.endsWith('ENOSPC'))).toHaveLength(1)
  })

  it('calls functions of KHO for entries, and refuses what could reach the memory of others', () => {
    const call = (step: CallStep['step'], entry: number, order = 0): MemoryStep => ({ step, name: 'a', entry, order })
    const steps = [
      call('kho_restore_folio', 0),
      allocate('a'),
      call('kho_restore_folio', 4),
      call('kho_restore_folio', 3),
      call('kho_preserve_pages', 2, 2),
      call('kho_preserve_pages', 2, 1),
      call('kho_unpreserve_pages', 2, 0),
      call('kho_unpreserve_pages', 0, 1),
      on('preserve', 'a'),
      call('kho_preserve_pages', 0),
      call('kho_unpreserve_pages', 0),
    ]
    const plan = planBoot(steps, [], KERNEL)
    expect(plan.steps.map(({ text, result, answer }) => `${text}: ${result ?? '?'} ${answer ?? ''}`.trimEnd())).toEqual([
      'kho_restore_folio a, entry 0: ENOENT',
      'allocate a: 2 folios of order 0..1: ok',
      'kho_restore_folio a, entry 4: ERANGE',
      'kho_restore_folio a, entry 3: ok NULL',
      'kho_preserve_pages a, entry 2, order 2: EINVAL',
      'kho_preserve_pages a, entry 2, order 1: ok 0',
      'kho_unpreserve_pages a, entry 2, order 0: ok void',
      'kho_unpreserve_pages a, entry 0, order 1: ?',
      'preserve a: ok',
      'kho_preserve_pages a, entry 0, order 0: EBUSY',
      'kho_unpreserve_pages a, entry 0, order 0: EBUSY',
    ])
    expect(plan.loose).toEqual([{ name: 'a', entry: 2, order: 1, index: 5, freed: false }])
    expect(plan.withdrawn).toBe(false)
  })

  it('keeps the record of a folio that was freed, and loses it when it is taken back with its own order', () => {
    const made: MemoryStep = { step: 'kho_preserve_pages', name: 'a', entry: 3, order: 1 }
    const freed = planBoot([allocate('a'), made, on('free', 'a')], [], KERNEL)
    expect(freed.loose).toEqual([{ name: 'a', entry: 3, order: 1, index: 1, freed: true }])
    const back = planBoot([allocate('a'), made, { ...made, step: 'kho_unpreserve_pages' }], [], KERNEL)
    expect([back.loose, back.emptied.map(({ index }) => index)]).toEqual([[], [1]])
  })

  it('preserves nothing in scratch, but makes a table for it', () => {
    const steps = [allocate('s', { kind: 'contiguous', orders: [0], pages: 512, scratch: 0 }), on('preserve', 's')]
    const plan = planBoot(steps, [], KERNEL)
    expect(plan.steps.map(({ result }) => result)).toEqual(['ok', 'EINVAL'])
    expect(plan.table).toBe(true)
    expect(planBoot(steps, [], { ...KERNEL, checksScratch: false }).steps.map(({ result }) => result)).toEqual([
      'EOPNOTSUPP',
      'ENOENT',
    ])
    expect(planBoot(steps, [], { ...KERNEL, checksScratch: undefined }).steps.map(({ result }) => result)).toEqual([
      undefined,
      undefined,
    ])
  })
})
