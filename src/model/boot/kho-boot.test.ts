import { describe, expect, it } from 'vitest'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { bytes, GiB, MiB } from '../../shared/units.ts'
import { FLAG, hasFlag } from '../memblock/flags.ts'
import { kernelOf } from '../model.fixture.ts'
import { tcgProcessor } from './first-boot.ts'
import buildFacts from './fixtures/build-facts.json' with { type: 'json' }
import { busyBlocks } from './handover.ts'
import { NOT_RANDOM, type Handover } from './input.ts'
import { handedBootInput, type KexecBoot } from './kexec-boot.ts'
import { KHO_BOOT } from './kho-boot.ts'
import { bootMemory, FIRST_BOOT, type BootedMemory } from './schedule.ts'

const build = KernelBuildFacts.parse(buildFacts)
const cmdline = 'kho=on nokaslr reserve_mem=4M:4096:a reserve_mem=2M:4096:b'
const boot: KexecBoot = {
  machine: { type: 'q35', memory: bytes(8 * GiB), cpus: 2, nodes: [{ memory: bytes(8 * GiB) }] },
  build,
  cmdline,
  processor: tcgProcessor(cmdline),
  scratchAlignment: 4 * MiB,
  kernel: kernelOf(),
  kernelBase: undefined,
  random: NOT_RANDOM,
}
const handover: Omit<Handover, 'array'> = {
  scratch: [
    { start: 0x70000000, size: 160 * MiB },
    { start: 0x270000000, size: 192 * MiB },
    { start: 0x250000000, size: 192 * MiB },
  ],
  records: [
    { start: 0x140000000, order: 10 },
    { start: 0x1c0000000, order: 0 },
  ],
  nodes: [0x100123000],
  regions: [{ name: 'a', start: 0x140000000, size: 4 * MiB }],
  restored: [],
  takenBack: [],
}

function booted(change: Partial<typeof handover> = {}): BootedMemory {
  const input = handedBootInput(boot, { ...handover, ...change }, 0x5000)
  if (!input.ok) throw new Error(input.error)
  const memory = bootMemory(input.value, undefined, KHO_BOOT)
  if (!memory.ok) throw new Error(memory.error)
  return memory.value
}

const stepsOf = ({ steps }: BootedMemory, name: string) => steps.find((step) => step.name === name)?.changes ?? []
const within = (base: number, regions: readonly { readonly start: number; readonly size: number }[]): boolean =>
  regions.some(({ start, size }) => base >= start && base < start + size)

describe('a boot with a handover', () => {
  it('has steps of its own among those of a first boot', () => {
    const first = new Set(FIRST_BOOT.map(({ name }) => name))
    expect(KHO_BOOT.map(({ name }) => name).filter((name) => !first.has(name))).toEqual([
      'scratch handed over',
      'scratch extended',
      'reserve_mem, revived',
      'preserved memory',
    ])
    expect(KHO_BOOT.filter(({ name }) => first.has(name)).map(({ name }) => name)).toEqual(
      FIRST_BOOT.map(({ name }) => name).filter((name) => name !== 'reserve_mem' && name !== 'scratch'),
    )
  })

  it('allocates from scratch alone until scratch is extended', () => {
    const { steps } = booted()
    const from = steps.findIndex(({ name }) => name === 'direct map')
    const to = steps.findIndex(({ name }) => name === 'scratch extended')
    const outside = steps
      .slice(from, to + 1)
      .flatMap(({ changes }) => changes)
      .filter(({ base }) => !within(base, handover.scratch))
    expect([to - from > 5, outside]).toEqual([true, []])
  })

  it('extends scratch by every GiB without a preserved page or a node of the tree', () => {
    expect(busyBlocks(handover)).toEqual([4, 5, 7])
    const marked = booted().memblock.memory.regions.filter(({ flags }) => hasFlag(flags, FLAG.KHO_SCRATCH))
    expect(marked.map(({ base, size }) => `${base.toString(16)}-${(base + size).toString(16)}`)).toEqual([
      '1000-9f000',
      '100000-7ffe0000',
      '180000000-1c0000000',
      '200000000-280000000',
    ])
  })

  it('finds a region that was handed over, and allocates one that was not', () => {
    expect(stepsOf(booted(), 'reserve_mem, revived').map(({ size }) => size)).toEqual([2 * MiB])
    const changed = booted({ regions: [{ name: 'a', start: 0x140000000, size: 8 * MiB }] })
    expect(stepsOf(changed, 'reserve_mem, revived').map(({ size }) => size)).toEqual([4 * MiB, 2 * MiB])
  })

  it('reserves preserved memory at last, higher orders first, and leaves its struct pages alone', () => {
    const memory = booted()
    expect(stepsOf(memory, 'preserved memory').map(({ base, size }) => [base, size])).toEqual([
      [0x140000000, 4 * MiB],
      [0x1c0000000, 4096],
    ])
    const region = memory.memblock.reserved.regions.find(({ base }) => base === 0x140000000)
    expect(region !== undefined && hasFlag(region.flags, FLAG.RSRV_NOINIT)).toBe(true)
  })

  it('has no answer where scratch has no room for what a boot needs', () => {
    const everywhere = Array.from({ length: 10 }, (_unused, block) => block * GiB + 4096)
    const small = { ...handover, scratch: [{ start: 0x70000000, size: 24 * MiB }], nodes: everywhere }
    const input = handedBootInput(boot, small, 0x5000)
    const memory = input.ok ? bootMemory(input.value, undefined, KHO_BOOT) : input
    expect(memory.ok ? '' : memory.error).toMatch(/^no (room|memory) for /)
  })
})
