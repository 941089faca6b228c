import type { Experiment, KernelFacts } from '../shared/documents/index.ts'
import { GiB, MiB } from '../shared/units.ts'
import { nodeSpans, ramSpans, type Span } from './firmware-map.ts'
import type { KernelOptions } from './kernel-options.ts'
import { scratchSizes } from './scratch.ts'

/**
 * Whether kho_reserve_scratch() (7.3) can get its regions. Where exactly every earlier reservation lies is not modelled here, so
 * there are bounds on both sides, and `undecided` between them.
 */
export type ScratchFit = 'fits' | 'impossible' | 'undecided'

const largest = (spans: readonly Span[]): number => Math.max(0, ...spans.map(({ start, end }) => end - start))
const total = (spans: readonly Span[]): number => spans.reduce((sum, { start, end }) => sum + end - start, 0)

/** struct page, 64 bytes per 4 KiB page: the memory map that sparse_init() allocates for all RAM. */
const memmapBytes = (ram: number): number => ram / 64

/** More than a boot of a small kernel reserves besides what the experiment asks for: image, initrd, memmap, hash tables, and swiotlb above 4 GiB. */
const reservedAtMost = (ram: number, kernel: KernelFacts): number =>
  kernel.header.initSize + kernel.initrdSize + memmapBytes(ram) * 1.2 + 12 * MiB + (ram > 2 * GiB ? 64 * MiB : 0)

/** With KASLR the kernel can lie in the middle of RAM, and the largest free range is then only half of it. */
const shareFree = (nokaslr: boolean): number => (nokaslr ? 1 : 0.5)

interface Bounds {
  /** Largest range below 4 GiB, of all RAM, and of the node that has the smallest. */
  readonly low: number
  readonly any: number
  readonly node: number
  readonly ram: number
  /** What is reserved before scratch, without reserve_mem: at least and at most. */
  readonly least: number
  readonly most: number
  /** reserve_mem bytes, without and with room for alignment. */
  readonly regions: number
  readonly regionsAtMost: number
  /** Part of a range that is certain to be free in one piece. */
  readonly share: number
}

export function scratchFit(machine: Experiment['machine'], options: KernelOptions, kernel: KernelFacts, alignment: number): ScratchFit {
  const spans = ramSpans(machine.type, machine.memory)
  const nodes = nodeSpans(machine)
  const ram = total(spans)
  const bounds: Bounds = {
    ram,
    low: largest(spans.slice(0, 1)),
    any: largest(spans),
    node: Math.min(...nodes.map(largest)),
    least: memmapBytes(ram) + kernel.initrdSize,
    most: reservedAtMost(ram, kernel),
    regions: options.reserveMem.reduce((sum, { size }) => sum + size, 0),
    regionsAtMost: options.reserveMem.reduce((sum, { size, align }) => sum + size + align, 0),
    share: shareFree(options.nokaslr),
  }
  const sizes = scratchSizes(options.scratch, nodes.length, alignment)
  if (sizes !== undefined) return sizesFit(sizes, bounds)
  return options.scratch.kind === 'percent' ? percentFits(options.scratch.percent / 100, bounds) : 'undecided'
}

/** Explicit sizes, already rounded, in array order. */
function sizesFit(sizes: readonly number[], { ram, low, any, node, least, most, regions, regionsAtMost, share }: Bounds): ScratchFit {
  const [lowmem = 0, global = 0, perNode = 0] = sizes
  const sum = sizes.reduce((all, size) => all + size, 0)
  if (lowmem > low || global > any || perNode > node || sum + least + regions > ram) return 'impossible'
  const others = most + regionsAtMost
  const allInLow = sum + others <= share * low
  const spread = lowmem + most <= share * low && global + perNode + others <= share * any && perNode + others <= share * node
  return allInLow || spread ? 'fits' : 'undecided'
}

/** `scale` times what is reserved: lowmem and global together of everything, and per node of what lies in it without reserve_mem. */
function percentFits(scale: number, { ram, low, any, node, least, most, regions, regionsAtMost, share }: Bounds): ScratchFit {
  if ((1 + scale) * (least + regions) > ram) return 'impossible'
  const lowNeed = (1 + scale) * most
  const everything = (1 + scale) * (most + regionsAtMost) + scale * most
  if (everything <= share * low) return 'fits'
  return lowNeed <= share * low && everything <= share * any && lowNeed <= share * node ? 'fits' : 'undecided'
}
