import { describe, expect, it } from 'vitest'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { bytes, fromHex, GiB, MiB } from '../../shared/units.ts'
import type { Change } from '../memblock/memblock.ts'
import { FLAG, hasFlag } from '../memblock/flags.ts'
import buildFacts from './fixtures/build-facts.json' with { type: 'json' }
import recorded from './fixtures/first-boots.json' with { type: 'json' }
import { bootInput, firstBootScratch, tcgProcessor, type FirstBoot } from './first-boot.ts'
import { NOT_RANDOM, type Randomness } from './input.ts'
import { bootMemory, FIRST_BOOT } from './schedule.ts'

const build = KernelBuildFacts.parse(buildFacts)
const LOAD_PHYSICAL_ADDR = 16 * MiB
const BLOCK = 2 * MiB

type Recorded = (typeof recorded)[number]

function firstBoot(
  boot: Pick<Recorded, 'memory' | 'cpus' | 'nodes' | 'cmdline' | 'initrdSize'> & { readonly type: string },
): FirstBoot {
  return {
    machine: {
      type: boot.type === 'pc' ? 'pc' : 'q35',
      memory: bytes(boot.memory),
      cpus: boot.cpus,
      nodes: boot.nodes.map((memory) => ({ memory: bytes(memory) })),
    },
    build,
    initrdSize: boot.initrdSize,
    cmdline: boot.cmdline,
    processor: tcgProcessor(boot.cmdline),
    scratchAlignment: 4 * MiB,
  }
}

const randomOf = ({ random }: Recorded): Randomness =>
  random === undefined
    ? NOT_RANDOM
    : {
        ...NOT_RANDOM,
        entryAreaPages: random.entryAreaPages,
        ...(random.vmemmapBesideKernel ? { vmemmapBase: 0xffff_0000_0000_0000n } : {}),
      }

const baseOf = ({ random }: Recorded): number => (random === undefined ? LOAD_PHYSICAL_ADDR : fromHex(random.base))

const written = ({ kind, base, size, nid, flags, count }: Change): string =>
  `${kind} ${base.toString(16)}+${size.toString(16)}${kind === 'reserve' ? ` ${nid} ${flags.toString(16)}` : ''}${count === undefined ? '' : ` x${count}`}`

/** `x9` at a line's end stands for nine blocks, each below the one before. */
function unrolled(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const [, base = '', rest = '', count = ''] = /^reserve ([0-9a-f]+)(\+.*?) x(\d+)$/.exec(line) ?? []
    if (count === '') return [line]
    const start = Number.parseInt(base, 16)
    return Array.from({ length: Number(count) }, (_unused, block) => `reserve ${(start - block * BLOCK).toString(16)}${rest}`)
  })
}

describe.each(
  recorded.map((boot) => ({
    name: `${boot.type} ${boot.memory / MiB} MiB, ${boot.cpus} CPUs, ${boot.nodes.length} nodes, ${boot.cmdline}`,
    boot,
  })),
)('a first boot of $name', ({ boot }) => {
  it('reserves and frees what the guest did, in its order', () => {
    const booted = bootMemory(bootInput(firstBoot(boot), baseOf(boot), randomOf(boot)))
    const steps = booted.ok ? booted.value.steps : []
    // The guest says nothing before it has read memblock=debug on its command line.
    const heard = steps.slice(steps.findIndex(({ name }) => name === 'brk')).flatMap(({ changes }) => changes.map(written))
    expect(unrolled(heard)).toEqual(unrolled(boot.changes))
  })

  it('has scratch where the guest had it', () => {
    const scratch = firstBootScratch(firstBoot(boot), baseOf(boot), randomOf(boot))
    const refused = boot.changes.at(-1)?.startsWith('free')
    const regions = boot.nodes.filter((memory) => memory > 0).length + 2
    const places = boot.changes.slice(-regions).map((line) => line.split(/[ +]/))
    const outcome = scratch.ok && scratch.value.ok ? scratch.value.regions : scratch
    expect(outcome).toEqual(
      refused
        ? { ok: true, value: { ok: false, region: 'node0' } }
        : places.map(([, start = '', size = '']) => ({ start: Number.parseInt(start, 16), size: Number.parseInt(size, 16) })),
    )
  })
})

describe('the schedule', () => {
  const small = firstBoot({ type: 'q35', memory: GiB, cpus: 2, nodes: [GiB], cmdline: 'kho=on nokaslr', initrdSize: 5 * MiB })
  const input = bootInput(small, LOAD_PHYSICAL_ADDR, NOT_RANDOM)

  it('names every step once, in kernel order', () => {
    expect(new Set(FIRST_BOOT.map(({ name }) => name)).size).toBe(FIRST_BOOT.length)
    expect(FIRST_BOOT.map(({ name }) => name)).toMatchInlineSnapshot(`
      [
        "kernel image",
        "first 64 KiB",
        "initrd",
        "setup data",
        "BIOS area",
        "brk",
        "RAM",
        "real-mode trampoline",
        "direct map",
        "log buffer asked for",
        "nodes of memory",
        "node data",
        "crash kernel",
        "HPET resource",
        "IO-APIC resource",
        "RAM resources",
        "firmware map entries",
        "data of nodes without memory",
        "count of free pages",
        "gigantic pages",
        "memory sections",
        "memory map",
        "command line, saved and parsed",
        "percpu areas",
        "reserve_mem",
        "log buffer for many CPUs",
        "dentry hash",
        "inode hash",
        "CPU entry areas",
        "bounce buffers",
        "scratch",
      ]
    `)
  })

  it('never overlaps two allocations of the kernel', () => {
    const booted = bootMemory(input)
    const regions = booted.ok ? booted.value.memblock.reserved.regions : []
    expect(regions.length).toBeGreaterThan(5)
    regions
      .slice(1)
      .forEach((region, index) =>
        expect((regions[index]?.base ?? 0) + (regions[index]?.size ?? 0)).toBeLessThanOrEqual(region.base),
      )
    expect(regions.filter(({ flags }) => hasFlag(flags, FLAG.RSRV_HUGETLB))).toEqual([])
  })

  it('says what it does not model', () => {
    const why = (change: Partial<FirstBoot>): string | undefined => {
      const scratch = firstBootScratch({ ...small, ...change }, LOAD_PHYSICAL_ADDR, NOT_RANDOM)
      return scratch.ok ? undefined : scratch.error
    }
    expect([
      why({ cmdline: 'kho=on nokaslr swiotlb=1024' }),
      why({ build: { ...build, options: [...build.options, 'KASAN'] } }),
      why({ build: { ...build, options: build.options.filter((option) => option !== 'NUMA') } }),
      why({ cmdline: 'kho=off nokaslr' }),
    ]).toMatchInlineSnapshot(`
      [
        "how swiotlb=1024 changes early memory is not modelled",
        "what CONFIG_KASAN reserves early is not modelled",
        "a kernel without CONFIG_NUMA is not modelled",
        "KHO is off",
      ]
    `)
  })

  it('takes less than a second for 800 GiB over 8 nodes', () => {
    const memory = bytes(800 * GiB)
    const large = {
      ...small,
      machine: { ...small.machine, memory, cpus: 16, nodes: Array.from({ length: 8 }, () => ({ memory: bytes(100 * GiB) })) },
    }
    const started = performance.now()
    expect(firstBootScratch(large, LOAD_PHYSICAL_ADDR, NOT_RANDOM).ok).toBe(true)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
