import { PAGE_SIZE, roundUp } from '../../shared/units.ts'
import { ANYWHERE, type Memblock } from '../memblock/memblock.ts'
import { FLAG } from '../memblock/flags.ts'
import { NO_NODE } from '../memblock/regions.ts'
import { LOW_ADDRESS_LIMIT } from './buffers.ts'
import type { BootState, ScratchOutcome } from './input.ts'
import { memoryNodes } from './numa-init.ts'

/** sizeof(struct kho_scratch) */
const SCRATCH_ENTRY = 16

/** What memblock gave to the kernel below `limit`, without huge pages: they are never in scratch. */
const kernelBytes = (memblock: Memblock, limit: number, nid: number): number =>
  memblock.reservedSize(limit, nid, FLAG.RSRV_KERN) - memblock.reservedSize(limit, nid, FLAG.RSRV_HUGETLB)

/** Rounded sizes of scratch_size_update() and scratch_size_node() (kernel/liveupdate/kexec_handover.c, 7.3). */
function scratchSizer({ input, memblock }: BootState): { lowmem: number; global: number; ofNode: (nid: number) => number } {
  const request = input.options.scratch
  const rounded = (size: number): number => roundUp(size, input.scratchAlignment)
  if (request.kind === 'sizes') {
    return { lowmem: rounded(request.lowmem), global: rounded(request.global), ofNode: () => rounded(request.perNode) }
  }
  const scaled = (size: number): number => Math.floor((size * request.percent) / 100)
  const low = scaled(kernelBytes(memblock, LOW_ADDRESS_LIMIT, NO_NODE))
  const all = scaled(kernelBytes(memblock, ANYWHERE, NO_NODE))
  return {
    lowmem: rounded(low),
    global: rounded(all - low),
    // Asked when the node's turn comes: lowmem and global are reserved by then, without a node.
    ofNode: (nid) => rounded(scaled(kernelBytes(memblock, ANYWHERE, nid))),
  }
}

/** kho_reserve_scratch() (kernel/liveupdate/kexec_handover.c, 7.3). What does not fit turns KHO off. */
export function reserveScratch(state: BootState): ScratchOutcome {
  const { memblock, input } = state
  const sizer = scratchSizer(state)
  const nodes = memoryNodes(state)
  const arraySize = (nodes.length + 2) * SCRATCH_ENTRY
  const array = memblock.allocInternal({ size: arraySize, align: PAGE_SIZE })
  if (array === undefined) return { ok: false, region: 'the array' }
  const align = input.scratchAlignment
  const wanted = [
    { region: 'lowmem', size: () => sizer.lowmem, request: { align, end: LOW_ADDRESS_LIMIT } },
    { region: 'global', size: () => sizer.global, request: { align } },
    ...nodes.map((nid) => ({ region: `node${nid}`, size: () => sizer.ofNode(nid), request: { align, nid, exactNid: true } })),
  ]
  const regions: { start: number; size: number }[] = []
  for (const { region, size: sizeNow, request } of wanted) {
    const size = sizeNow()
    const start = memblock.alloc({ ...request, size })
    if (start === undefined) {
      for (const taken of [...regions].reverse()) memblock.free(taken.start, taken.size)
      memblock.free(array, arraySize)
      return { ok: false, region }
    }
    regions.push({ start, size })
  }
  return { ok: true, array, regions }
}
