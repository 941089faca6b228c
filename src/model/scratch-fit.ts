import type { Experiment, KernelFacts } from '../shared/documents/index.ts'
import { MiB } from '../shared/units.ts'
import { nodeSpans, ramSpans, type Span } from './firmware-map.ts'
import type { KernelOptions } from './kernel-options.ts'
import { scratchSizes } from './scratch.ts'

/**
 * Whether kho_reserve_scratch() (7.3) can get its regions. Where exactly every earlier reservation lies is not modelled here, so
 * there are bounds on both sides, and `undecided` between them.
 */
type ScratchFit = 'fits' | 'impossible' | 'undecided'

const largest = (spans: readonly Span[]): number => Math.max(0, ...spans.map(({ start, end }) => end - start))
const total = (spans: readonly Span[]): number => spans.reduce((sum, { start, end }) => sum + end - start, 0)

/** struct page, 64 bytes per 4 KiB page: the memory map that sparse_init() allocates for all RAM. */
const memmapBytes = (ram: number): number => ram / 64

/**
 * More than a boot of a small kernel reserves below 4 GiB, or of all RAM, besides what the experiment asks for: image, initrd,
 * memmap, hash tables and the swiotlb.
 */
const reservedAtMost = (ram: number, kernel: KernelFacts, bounceBuffers: boolean): number =>
  kernel.header.initSize + kernel.initrdSize + memmapBytes(ram) * 1.2 + 12 * MiB + (bounceBuffers ? 64 * MiB : 0)

/** With KASLR the kernel can lie in the middle of a range, and the largest free part of it is then only half. */
const shareFree = (nokaslr: boolean): number => (nokaslr ? 1 : 0.5)

interface Bounds {
  readonly ram: number
  /** Largest range below 4 GiB, above it (0 without), and of the node that has the smallest. */
  readonly low: number
  readonly high: number
  readonly node: number
  readonly nodes: number
  /**
   * What is reserved before scratch, without reserve_mem: at least and at most; and at most below 4 GiB when there is RAM above.
   */
  readonly least: number
  readonly most: number
  readonly mostLow: number
  /** reserve_mem bytes, without and with room for alignment. */
  readonly regions: number
  readonly regionsAtMost: number
  /** Not counted for percent, as scratch never holds huge pages. */
  readonly giganticPages: number
  /** Part of a range that is certain to be free in one piece. */
  readonly share: number
}

function boundsOf(machine: Experiment['machine'], options: KernelOptions, kernel: KernelFacts): Bounds {
  const spans = ramSpans(machine.type, machine.memory)
  const nodes = nodeSpans(machine)
  const ram = total(spans)
  const above = spans.length > 1
  return {
    ram,
    low: largest(spans.slice(0, 1)),
    high: largest(spans.slice(1)),
    node: Math.min(...nodes.map(largest)),
    nodes: nodes.length,
    least: memmapBytes(ram) + kernel.initrdSize,
    most: reservedAtMost(ram, kernel, above),
    mostLow: reservedAtMost(total(spans.slice(0, 1)), kernel, above),
    regions: options.reserveMem.reduce((sum, { size }) => sum + size, 0),
    regionsAtMost: options.reserveMem.reduce((sum, { size, align }) => sum + size + align, 0),
    giganticPages: options.giganticPages,
    share: shareFree(options.nokaslr),
  }
}

export function scratchFit(
  machine: Experiment['machine'],
  options: KernelOptions,
  kernel: KernelFacts,
  alignment: number,
): ScratchFit {
  const { scratch } = options
  const bounds = boundsOf(machine, options, kernel)
  if (options.changesMemory !== undefined || options.reservesMore !== undefined) return 'undecided'
  if (scratch.kind === 'percent') return percentFits(scratch.percent / 100, bounds)
  return sizesFit(scratchSizes(scratch, bounds.nodes, alignment) ?? [], bounds)
}

/** Explicit sizes, already rounded, in array order. */
function sizesFit(sizes: readonly number[], bounds: Bounds): ScratchFit {
  const { ram, low, high, node, least, most, regions, regionsAtMost } = bounds
  const [lowmem = 0, global = 0, perNode = 0] = sizes
  const all = sizes.reduce((sum, size) => sum + size, 0)
  if (lowmem > low || global > Math.max(low, high) || perNode > node || all + least + regions > ram) return 'impossible'
  const others = most + regionsAtMost
  return certain({ lowmem, elsewhere: all - lowmem, inNode: lowmem + global + perNode, others }, bounds)
}

/**
 * `scale` times what is reserved: lowmem and global together of everything, and per node of what lies in it without reserve_mem.
 */
function percentFits(scale: number, bounds: Bounds): ScratchFit {
  const { ram, least, most, mostLow, regions, regionsAtMost, high } = bounds
  if ((1 + scale) * (least + regions) > ram) return 'impossible'
  const everything = scale * (most + regionsAtMost) + scale * most
  // With RAM above 4 GiB what is allocated top-down lies there, and lowmem is a multiple of the rest only.
  const lowmem = high > 0 ? scale * mostLow : scale * (most + regionsAtMost)
  return certain({ lowmem, elsewhere: everything - lowmem, inNode: everything, others: most + regionsAtMost }, bounds)
}

interface Need {
  readonly lowmem: number
  readonly elsewhere: number
  readonly inNode: number
  /** Reserved before. */
  readonly others: number
}

/** Room for all even if every reservation goes to the same range: low RAM alone, or lowmem there and the rest above. */
function certain(
  { lowmem, elsewhere, inNode, others: reserved }: Need,
  { low, high, node, mostLow, share, giganticPages }: Bounds,
): ScratchFit {
  const others = reserved + giganticPages
  const allBelow = lowmem + elsewhere + others <= share * low
  const divided = lowmem + mostLow + giganticPages <= share * low && elsewhere + others <= share * high
  return (allBelow || divided) && inNode + others <= share * node ? 'fits' : 'undecided'
}
