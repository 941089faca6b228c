import { describe, expect, it } from 'vitest'
import type { MemoryStep } from '../../shared/documents/index.ts'
import { planBoot, type PlannedSet } from './plan.ts'

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
const on = (step: Exclude<MemoryStep['step'], 'allocate' | 'churn' | 'wait'>, name: string): MemoryStep => ({ step, name })
const results = (steps: readonly MemoryStep[], handed: readonly PlannedSet[] = [], kho = true) =>
  planBoot(steps, handed, kho).steps.map(({ text, result }) => `${text}: ${result ?? '?'}`)

const handed: PlannedSet = { name: 'a', kind: 'folio', entries: 4, pages: 6, huge: false, state: 'preserved' }

describe('the plan of a boot', () => {
  it('counts folios and pages', () => {
    expect(planBoot([allocate('a'), on('preserve', 'a')], [], true).left).toEqual([handed])
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
    expect(planBoot(steps.slice(0, 1), [], true).table).toBe(false)
    expect(planBoot(steps, [], true).table).toBe(true)
    expect(planBoot(steps, [], false).table).toBe(false)
    expect(results(steps, [], false).at(-1)).toBe('preserve a: EOPNOTSUPP')
  })

  it('does not say whether KHO takes movable pages', () => {
    expect(results([allocate('m', { movable: true }), on('preserve', 'm')])).toEqual([
      'allocate m: 2 folios of order 0..1: ok',
      'preserve m: ?',
    ])
    expect(planBoot([allocate('m', { movable: true }), on('preserve', 'm')], [], true).withdrawn).toBe(true)
  })

  it('does not say whether a name is free that a set of movable pages has, or had', () => {
    const movable = { ...handed, unknown: 'because' }
    expect(results([allocate('a')], [movable])).toEqual(['allocate a: 2 folios of order 0..1: ?'])
  })

  it('has room for 31 sets', () => {
    const many = Array.from({ length: 32 }, (_unused, index) => allocate(`s${index}`))
    expect(results(many).filter((text) => text.endsWith('ENOSPC'))).toHaveLength(1)
  })
})
