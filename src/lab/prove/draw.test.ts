import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../../shared/units.ts'
import { drawn } from './prove.ts'

const many = Array.from({ length: 400 }, (_unused, index) => drawn(1, index).experiment)
const share = (is: (experiment: (typeof many)[number]) => boolean): number => many.filter(is).length / many.length

describe('what a seed draws', () => {
  it('is the same for the same seed and number, and something else for others', () => {
    expect(drawn(5, 17)).toEqual(drawn(5, 17))
    expect(drawn(5, 17).experiment.machine).not.toEqual(drawn(5, 18).experiment.machine)
    expect(drawn(5, 17).experiment.machine).not.toEqual(drawn(6, 17).experiment.machine)
  })

  it('stays within what is to be proven', () => {
    for (const { machine, hops, kernels, accelerator } of many) {
      expect(machine.memory).toBeGreaterThanOrEqual(512 * MiB)
      expect(machine.memory).toBeLessThanOrEqual(16 * GiB)
      expect(machine.nodes.length).toBeLessThanOrEqual(4)
      expect(machine.cpus).toBeLessThanOrEqual(8)
      expect(hops).toBeLessThanOrEqual(3)
      expect(kernels.length).toBe(hops + 1)
      expect(accelerator).toBe('tcg')
    }
  })

  it('leaves machine and kernel what they are when it draws a workload too', () => {
    const { workload, name, ...rest } = drawn(5, 17, true).experiment
    const { workload: none, name: plain, ...without } = drawn(5, 17).experiment
    expect(rest).toEqual(without)
    expect([workload.some((steps) => steps.length > 0), none.flat(), name]).toEqual([true, [], `${plain}, workload`])
    expect(drawn(5, 17, true)).toEqual(drawn(5, 17, true))
  })

  it('draws every kind of step, and some that must be refused', () => {
    const steps = Array.from({ length: 60 }, (_unused, index) => drawn(3, index, true).experiment.workload.flat()).flat()
    const kinds = new Set(steps.map((step) => (step.step === 'allocate' ? `allocate ${step.kind}` : step.step)))
    expect([...kinds].sort()).toEqual([
      'allocate contiguous',
      'allocate folio',
      'allocate vmalloc',
      'churn',
      'free',
      'luoCreate',
      'luoRetrieve',
      'preserve',
      'put',
      'restore',
      'unpreserve',
      'verify',
    ])
    expect(steps.some((step) => step.step === 'allocate' && step.movable)).toBe(true)
  })

  it('reaches every corner', () => {
    const corners = {
      pc: share(({ machine }) => machine.type === 'pc') > 0.4,
      large: share(({ machine }) => machine.memory > 8 * GiB) > 0.15,
      small: share(({ machine }) => machine.memory < GiB) > 0.15,
      uneven: share(({ machine: { nodes } }) => nodes.length > 2) > 0.3,
      memoryless: share(({ machine: { nodes } }) => nodes.some(({ memory }) => memory === 0)) > 0.05,
      kaslr: share(({ kernels }) => !(kernels[0]?.cmdline ?? '').includes('nokaslr')) > 0.4,
      explicit: share(({ kho }) => kho.scratch?.includes(',') === true) > 0.15,
      percent: share(({ kho }) => kho.scratch?.endsWith('%') === true) > 0.15,
      oddInitrd: share(({ kernels }) => (kernels[0]?.initrdPadding ?? 0) % 4096 !== 0) > 0.4,
      reserveMem: share(({ reserveMem }) => reserveMem.length > 0) > 0.2,
      gigantic: share(({ hugepages }) => hugepages?.size === GiB) > 0.03,
      huge: share(({ hugepages }) => hugepages?.size === 2 * MiB) > 0.1,
      crashkernel: share(({ kernels }) => (kernels[0]?.cmdline ?? '').includes('crashkernel=')) > 0.15,
      threeHops: share(({ hops }) => hops === 3) > 0.1,
    }
    expect(Object.entries(corners).filter(([, reached]) => !reached)).toEqual([])
  })
})
