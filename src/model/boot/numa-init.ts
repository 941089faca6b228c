import { MiB, roundUp } from '../../shared/units.ts'
import { ANYWHERE } from '../memblock/memblock.ts'
import { NO_NODE, isNode } from '../memblock/regions.ts'
import { NotModelled, type BootState } from './input.ts'

interface Block {
  start: number
  end: number
  readonly nid: number
}

/** Conventional memory ends here; build_srat() (hw/i386/acpi-build.c, QEMU 7.2) leaves out what follows up to 1 MiB. */
const HOLE_START = 640 * 1024

/** What the SRAT says of memory, or one node for all (dummy_numa_init(), arch/x86/mm/numa.c, 7.3). */
function firmwareBlocks({ input, maxRam }: BootState): readonly Block[] {
  if (input.nodes === undefined) return [{ start: 0, end: maxRam, nid: 0 }]
  return input.nodes.flatMap((spans, nid) =>
    spans.flatMap(({ start, end }) => [
      ...(start < HOLE_START ? [{ start, end: Math.min(end, HOLE_START), nid }] : []),
      ...(end > MiB ? [{ start: start <= HOLE_START ? MiB : start, end, nid }] : []),
    ]),
  )
}

/** numa_cleanup_meminfo(): within RAM, and one block where no other node lies between two. */
function cleanBlocks({ memblock }: BootState, blocks: readonly Block[]): readonly Block[] {
  const regions = memblock.memory.regions
  const low = regions[0]?.base ?? 0
  const high = regions.reduce((end, { base, size }) => Math.max(end, base + size), 0)
  const inside = blocks
    .filter(({ start, end }) => memblock.memory.overlaps(start, end - start))
    .map(({ start, end, nid }) => ({ start: Math.max(start, low), end: Math.min(end, high), nid }))
    .filter(({ start, end }) => start < end)
  for (let i = 0; i < inside.length; i++) {
    for (let j = i + 1; j < inside.length; j++) {
      const [one, other] = [inside[i], inside[j]]
      if (one === undefined || other === undefined || one.nid !== other.nid) continue
      const start = Math.min(one.start, other.start)
      const end = Math.max(one.end, other.end)
      if (inside.some((block) => block.nid !== one.nid && start < block.end && end > block.start)) continue
      Object.assign(one, { start, end })
      inside.splice(j, 1)
      j -= 1
    }
  }
  return inside
}

/** numa_memblks_init() and numa_register_meminfo() (mm/numa_memblks.c, 7.3): every region gets its node. */
export function assignNodes(state: BootState): void {
  const { memblock } = state
  memblock.setNode(memblock.memory, 0, ANYWHERE, NO_NODE)
  memblock.setNode(memblock.reserved, 0, ANYWHERE, NO_NODE)
  const blocks = cleanBlocks(state, firmwareBlocks(state))
  for (const { start, end, nid } of blocks) memblock.setNode(memblock.memory, start, end - start, nid)
  for (const { start, end, nid } of blocks) memblock.setNode(memblock.reserved, start, end - start, nid)
}

/** node_possible_map: nodes that the firmware gives memory or CPUs, ascending. */
export function possibleNodes({ input }: Pick<BootState, 'input'>): readonly number[] {
  if (input.nodes === undefined) return [0]
  return input.nodes.flatMap((spans, nid) => (spans.length > 0 || input.cpuNodes.includes(nid) ? [nid] : []))
}

/** N_MEMORY: nodes with memory, ascending. */
export const memoryNodes = ({ memblock }: BootState): readonly number[] =>
  [...new Set(memblock.memory.regions.map(({ nid }) => nid).filter(isNode))].sort((a, b) => a - b)

/** Bytes that alloc_node_data() takes. */
export const nodeDataSize = ({ input: { build } }: BootState): number =>
  roundUp(build.numbers.sizeofPglistData, build.numbers.smpCacheBytes)

/** alloc_node_data() (mm/numa.c, 7.3) for each node with memory: in it, or else anywhere. */
export function allocateNodeData(state: BootState): void {
  const { memblock, input } = state
  const withMemory = memoryNodes(state)
  for (const nid of possibleNodes(state).filter((node) => withMemory.includes(node))) {
    const request = { size: nodeDataSize(state), align: input.build.numbers.smpCacheBytes, nid }
    if (memblock.alloc(request) === undefined) throw new NotModelled(`no room for the data of node ${nid}`)
  }
}

/** early_cpu_to_node(): the node of a CPU as percpu sees it. */
export const nodeOfCpu = ({ input }: Pick<BootState, 'input'>, cpu: number): number =>
  input.nodes === undefined ? 0 : (input.cpuNodes[cpu] ?? 0)
