import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../shared/units.ts'
import { kernelOptions } from './kernel-options.ts'
import { experimentOf, kernelOf } from './model.fixture.ts'
import { scratchFit } from './scratch-fit.ts'

const fit = (memory: string, options: string, nodes: number | { memory: string }[] = 1): string =>
  scratchFit(experimentOf({ machine: { memory, nodes } }).machine, kernelOptions(options, 64 * GiB), kernelOf(), 4 * MiB)

describe('scratchFit', () => {
  it('is sure of the default with ordinary RAM, KASLR or not', () => {
    expect(['1GiB', '2GiB', '3GiB', '4GiB', '8GiB', '16GiB'].map((memory) => fit(memory, ''))).toEqual(
      Array.from({ length: 6 }, () => 'fits'),
    )
    expect(fit('4GiB', '', 2)).toBe('fits')
    expect(fit('512MiB', 'nokaslr')).toBe('fits')
  })

  it('knows what is more than all RAM, than low RAM, than a node', () => {
    expect(fit('1GiB', 'kho_scratch=2G,0,0')).toBe('impossible')
    expect(fit('4GiB', 'kho_scratch=3G,0,0')).toBe('impossible')
    expect(fit('4GiB', 'kho_scratch=0,3G,0')).toBe('impossible')
    expect(fit('4GiB', 'kho_scratch=0,0,600M', [{ memory: '3584MiB' }, { memory: '512MiB' }])).toBe('impossible')
    expect(fit('1GiB', 'kho_scratch=400M,400M,400M')).toBe('impossible')
    expect(fit('1GiB', 'kho_scratch=10000%')).toBe('impossible')
    expect(fit('1GiB', 'reserve_mem=400M:4K:big')).toBe('impossible')
  })

  it('does not decide what needs the boot schedule', () => {
    expect(fit('1GiB', 'kho_scratch=300M,0,300M')).toBe('undecided')
    expect(fit('1GiB', 'kho_scratch=300M,0,300M nokaslr')).toBe('fits')
    expect(fit('128MiB', '')).toBe('undecided')
    expect(fit('1GiB', 'kho_scratch=1000%')).toBe('undecided')
    expect(fit('4GiB', 'hugepagesz=1G hugepages=3')).toBe('undecided')
    expect(fit('4GiB', 'hugepagesz=2M hugepages=512')).toBe('fits')
    expect(fit('4GiB', 'crashkernel=256M')).toBe('undecided')
    expect(fit('4GiB', 'mem=1G')).toBe('undecided')
  })
})
