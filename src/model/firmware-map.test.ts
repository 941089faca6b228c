import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GiB, MiB, bytes, hex } from '../shared/units.ts'
import recorded from './fixtures/firmware-maps.json' with { type: 'json' }
import { firmwareMap, nodeSpans, nodesWithMemory, numaNodes, processorOf, ramSpans, type MachineType } from './firmware-map.ts'

const isMachine = (type: string): type is MachineType => type === 'q35' || type === 'pc'

/** One line of the fixture, in the words of the kernel's memmap. */
function entryOf(line: string): { start: string; end: string; type: string } {
  const [range = '', kind] = line.split(' ')
  const [start, end] = range.split('-')
  return { start: `0x${start}`, end: `0x${end}`, type: kind === 'RAM' ? 'System RAM' : 'Reserved' }
}

describe('firmwareMap against recorded boots', () => {
  it.each(recorded)('$type with $memory bytes, $nodes.length nodes, $cpus CPUs ($cpu), devices: $devices', (boot) => {
    if (!isMachine(boot.type)) throw new Error(`not a machine type: ${boot.type}`)
    const processor = { kvm: false, amd: !boot.cpu.startsWith('Skylake') }
    expect(firmwareMap(boot.type, boot.memory, processor, 1)).toEqual(boot.map.map(entryOf))
  })
})

const machines = fc.record({
  type: fc.constantFrom<MachineType>('q35', 'pc'),
  memory: fc.integer({ min: 128 * 256, max: 64 * 1024 * 256 }).map((pages) => pages * 4096),
})

describe('ramSpans', () => {
  it('has all RAM, rounded up to 8 KiB, and none between the low part and 4 GiB', () => {
    fc.assert(
      fc.property(machines, ({ type, memory }) => {
        const spans = ramSpans(type, memory)
        const total = spans.reduce((sum, { start, end }) => sum + end - start, 0)
        expect(total - memory).toBeGreaterThanOrEqual(0)
        expect(total - memory).toBeLessThan(8192)
        expect(spans[0]?.end).toBeLessThan(4 * GiB)
        expect(spans.slice(1).every(({ start }) => start === 4 * GiB)).toBe(true)
      }),
    )
  })

  it('splits q35 at 2.75 GiB and pc at 3.5 GiB', () => {
    const ends = (type: MachineType, memory: number): string[] => ramSpans(type, memory).map(({ end }) => hex(end))
    expect(ends('q35', 2816 * MiB - 8192)).toEqual([hex(2816 * MiB - 8192)])
    expect(ends('q35', 2816 * MiB)).toEqual(['0x80000000', '0x130000000'])
    expect(ends('pc', 3584 * MiB - 8192)).toEqual([hex(3584 * MiB - 8192)])
    expect(ends('pc', 3584 * MiB)).toEqual(['0xc0000000', '0x120000000'])
  })
})

describe('processorOf', () => {
  it('shows AMD under TCG whatever the host is, and the host under KVM', () => {
    expect(processorOf('tcg', 'Intel(R) Xeon(R) Processor')).toEqual({ kvm: false, amd: true })
    expect(processorOf('kvm', 'Intel(R) Xeon(R) Processor')).toEqual({ kvm: true, amd: false })
    expect(processorOf('kvm', 'AMD EPYC 7B13')).toEqual({ kvm: true, amd: true })
  })

  it('adds what KVM reserves for itself', () => {
    const without = firmwareMap('pc', GiB, { kvm: false, amd: false }, 1)
    const added = firmwareMap('pc', GiB, { kvm: true, amd: false }, 1).filter(
      (entry) => !without.some(({ start }) => start === entry.start),
    )
    expect(added).toEqual([{ start: '0xfeffc000', end: '0xff000000', type: 'Reserved' }])
  })
})

describe('nodeSpans', () => {
  const spansOf = (type: MachineType, ...sizes: number[]): string[][] =>
    nodeSpans({
      type,
      memory: bytes(sizes.reduce((a, b) => a + b)),
      cpus: 1,
      nodes: sizes.map((memory) => ({ memory: bytes(memory) })),
    }).map((spans) => spans.map(({ start, end }) => `${hex(start)}-${hex(end)}`))

  it('fills nodes in address order across the hole below 4 GiB', () => {
    expect(spansOf('q35', 3 * GiB, GiB)).toEqual([['0x0-0x80000000', '0x100000000-0x140000000'], ['0x140000000-0x180000000']])
    expect(spansOf('q35', 2 * GiB, 2 * GiB)).toEqual([['0x0-0x80000000'], ['0x100000000-0x180000000']])
    expect(spansOf('pc', GiB, 3 * GiB)).toEqual([['0x0-0x40000000'], ['0x40000000-0xc0000000', '0x100000000-0x140000000']])
  })

  it('numbers nodes with CPUs before those without, as a kernel did: of four nodes with two CPUs the third became node 1', () => {
    const sizes = [9970, 3528, 393, 771].map((size) => size * MiB)
    const memory = bytes(sizes.reduce((a, b) => a + b))
    const nodes = numaNodes({ type: 'pc', memory, cpus: 2, nodes: sizes.map((size) => ({ memory: bytes(size) })) })
    expect(nodes.map(({ spans, cpus }) => [hex(spans.at(-1)?.end ?? 0), cpus])).toEqual([
      ['0x2af200000', [0]],
      ['0x3a4300000', [1]],
      ['0x38ba00000', []],
      ['0x3d4600000', []],
    ])
  })

  it('counts a node of CPUs alone, but gives it no memory', () => {
    const sizes = [GiB, 0, GiB]
    const machine = {
      type: 'q35' as const,
      memory: bytes(2 * GiB),
      cpus: 3,
      nodes: sizes.map((size) => ({ memory: bytes(size) })),
    }
    expect([numaNodes(machine).map(({ cpus }) => cpus), nodesWithMemory(machine), nodeSpans(machine).length]).toEqual([
      [[0], [1], [2]],
      [0, 2],
      2,
    ])
  })

  it('gives each node exactly its memory', () => {
    const sizes = fc.array(
      fc.integer({ min: 1, max: 4096 }).map((size) => size * MiB),
      { minLength: 1, maxLength: 8 },
    )
    fc.assert(
      fc.property(fc.constantFrom<MachineType>('q35', 'pc'), sizes, (type, list) => {
        const nodes = nodeSpans({
          type,
          memory: bytes(list.reduce((a, b) => a + b)),
          cpus: 1,
          nodes: list.map((memory) => ({ memory: bytes(memory) })),
        })
        expect(nodes.map((spans) => spans.reduce((sum, { start, end }) => sum + end - start, 0))).toEqual(list)
      }),
    )
  })
})
