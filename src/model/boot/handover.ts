import { entryBytes } from '../../abi/record-list.ts'
import { GiB, PAGE_SIZE, hex, roundDown } from '../../shared/units.ts'
import type { ReserveMem } from '../kernel-options.ts'
import { FLAG } from '../memblock/flags.ts'
import { NO_NODE } from '../memblock/regions.ts'
import { allocate, NotModelled, type BootState, type Handover } from './input.ts'

/** sizeof(struct kho_scratch) */
const SCRATCH_ENTRY = 16

export function handoverOf({ input }: BootState): Handover {
  if (input.handover === undefined) throw new NotModelled('this boot has no handover')
  return input.handover
}

/** kho_populate() (kernel/liveupdate/kexec_handover.c, 7.3): scratch is the first memory, and all that is allocated from. */
export function populateScratch(state: BootState): void {
  const { memblock } = state
  const { scratch, array } = handoverOf(state)
  for (const { start, size } of scratch) {
    memblock.add(start, size, NO_NODE)
    memblock.setFlag(memblock.memory, start, size, FLAG.KHO_SCRATCH)
  }
  memblock.reserve(array, scratch.length * SCRATCH_ENTRY)
  memblock.khoScratchOnly = true
  state.scratch = { ok: true, array, regions: scratch }
}

/** KHO_SCRATCH_EXT_BLKSIZE (kernel/liveupdate/kexec_handover.c, 7.3) */
const BLOCK = GiB
/** Pages of a radix tree whose keys all lie in one leaf: its root and five more (KHO_TREE_MAX_DEPTH). Block numbers up to 32 TiB do. */
const BUSY_TREE_PAGES = 6

/** Blocks that hold a preserved page or a node of the tree, ascending. */
export function busyBlocks({ records, nodes }: Pick<Handover, 'records' | 'nodes'>): readonly number[] {
  const busy = new Set<number>(nodes.map((address) => Math.floor(address / BLOCK)))
  for (const record of records) {
    const end = record.start + entryBytes(record)
    for (let at = roundDown(record.start, BLOCK); at < end; at += BLOCK) busy.add(Math.floor(at / BLOCK))
  }
  return [...busy].sort((a, b) => a - b)
}

/**
 * kho_memory_init_early() and kho_extend_scratch() (kernel/liveupdate/kexec_handover.c, 7.3): from here on memory without
 * anything preserved in its GiB can be allocated as well.
 */
export function extendScratch(state: BootState): void {
  const { memblock } = state
  const handover = handoverOf(state)
  memblock.scratch = handover.scratch.map(({ start, size }) => ({ base: start, size }))
  const tree = Array.from({ length: BUSY_TREE_PAGES }, () =>
    allocate(state, 'the tree of busy blocks', { size: PAGE_SIZE, align: PAGE_SIZE }),
  )
  let from = 0
  const mark = (to: number): void => {
    if (to > from) memblock.setFlag(memblock.memory, from, to - from, FLAG.KHO_SCRATCH)
  }
  for (const block of busyBlocks(handover)) {
    mark(block * BLOCK)
    from = (block + 1) * BLOCK
  }
  mark(memblock.memory.regions.reduce((end, { base, size }) => Math.max(end, base + size), 0))
  for (const page of [...tree].reverse()) memblock.free(page, PAGE_SIZE)
}

/** reserve_mem() (mm/memblock.c, 7.3): what the boot before had keeps its place, which is reserved with all preserved memory. */
export function reviveNamedMemory(state: BootState): void {
  const { memblock, input, named } = state
  const { regions } = handoverOf(state)
  for (const { name, size, align } of input.options.reserveMem) {
    const before = regions.find((region) => region.name === name)
    const refused = whyNotRevived(regions.length > 0, before, { name, size, align })
    if (before !== undefined && refused === undefined)
      named.push({ name, size, start: before.start, said: `Revived memory reservation '${name}' from KHO` })
    else named.push({ name, size, start: memblock.alloc({ size, align }), said: refused })
  }
}

/** reserve_mem_kho_revive() (mm/memblock.c, 7.3). Says nothing where the boot before had no region at all; -1 is FDT_ERR_NOTFOUND. */
function whyNotRevived(
  handed: boolean,
  before: { readonly start: number; readonly size: number } | undefined,
  { name, size, align }: ReserveMem,
): string | undefined {
  if (before === undefined) return handed ? `FDT 'memblock' has no child '${name}': -1` : undefined
  if (before.start !== roundDown(before.start, align))
    return `KHO reserve-mem '${name}' has wrong alignment (${hex(align)}, ${hex(before.start)})`
  return before.size === size ? undefined : `KHO reserve-mem '${name}' has wrong size (${hex(before.size)} != ${hex(size)})`
}

/**
 * kho_mem_retrieve() (kernel/liveupdate/kexec_handover.c, 7.3): in the order of the tree, whose keys begin with the order. Neighbours of
 * one order join as they come, so a run of them is reserved at once.
 */
export function reservePreserved(state: BootState): void {
  const { memblock } = state
  const records = [...handoverOf(state).records].sort((a, b) => b.order - a.order || a.start - b.start)
  for (const record of records) {
    const size = entryBytes(record)
    memblock.reserve(record.start, size)
    memblock.setFlag(memblock.reserved, record.start, size, FLAG.RSRV_NOINIT)
  }
}
