import { MiB, PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import { allocate, sizeOf, type BootState } from './input.ts'
import { MAX_DMA } from './memory-map.ts'
import { nodeOfCpu } from './numa-init.ts'

/** setup_per_cpu_areas() asks for whole PMDs on 64 bit (arch/x86/kernel/setup_percpu.c, 7.3). */
const ATOM = 2 * MiB
const LONG = 8
const INT = 4
const LIST_HEAD = 16
/** PCPU_SLOT_BASE_SHIFT (mm/percpu.c) */
const SLOT_BASE_SHIFT = 5

/** Units of one group share an allocation; a unit without a CPU is given back. */
export interface PercpuShape {
  readonly groups: readonly (readonly number[])[]
  readonly unitSize: number
  readonly unitsPerAllocation: number
  readonly staticSize: number
  readonly reservedSize: number
  readonly dynamicSize: number
}

/** pcpu_build_alloc_info() (mm/percpu.c, 7.3): groups by node, and as many units per allocation as waste little. */
export function percpuShape(state: Pick<BootState, 'input'>): PercpuShape {
  const { numbers } = state.input.build
  const staticSize = sizeOf(state.input, '__per_cpu_start', '__per_cpu_end')
  const reservedSize = numbers.percpuModuleReserve
  // PERCPU_FIRST_CHUNK_RESERVE is PERCPU_MODULE_RESERVE on x86-64, so the two cancel out of the dynamic size asked for.
  const asked = Math.max(numbers.percpuDynamicReserve, numbers.percpuDynamicEarlySize)
  const sum = roundUp(staticSize + reservedSize + asked, PAGE_SIZE)
  const groups = cpuGroups(state)
  const leastUnit = Math.max(sum, numbers.pcpuMinUnitSize)
  const allocation = roundUp(leastUnit, ATOM)
  const unitsPerAllocation = bestUnits(groups, allocation, Math.floor(allocation / leastUnit))
  const unitSize = allocation / unitsPerAllocation
  return { groups, unitSize, unitsPerAllocation, staticSize, reservedSize, dynamicSize: sum - staticSize - reservedSize }
}

function cpuGroups(state: Pick<BootState, 'input'>): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>()
  state.input.cpuNodes.forEach((_node, cpu) => {
    const nid = nodeOfCpu(state, cpu)
    groups.set(nid, [...(groups.get(nid) ?? []), cpu])
  })
  return [...groups.values()]
}

function bestUnits(groups: readonly (readonly number[])[], allocation: number, most: number): number {
  const cpus = groups.reduce((sum, group) => sum + group.length, 0)
  let least = Infinity
  let best = 1
  for (let units = most; units > 0; units--) {
    if (allocation % units !== 0 || (allocation / units) % PAGE_SIZE !== 0) continue
    const allocations = groups.reduce((sum, group) => sum + Math.ceil(group.length / units), 0)
    if (allocations * units - cpus > Math.floor(cpus / 3)) continue
    if (allocations > least) break
    least = allocations
    best = units
  }
  return best
}

/** pcpu_embed_first_chunk() (mm/percpu.c, 7.3) */
export function allocatePercpuAreas(state: BootState): void {
  const {
    memblock,
    input: {
      build: { numbers },
    },
  } = state
  const shape = percpuShape(state)
  const { groups, unitSize, unitsPerAllocation, staticSize, reservedSize, dynamicSize } = shape
  const unitsOf = (group: readonly number[]): number => roundUp(group.length, unitsPerAllocation)
  const units = groups.reduce((sum, group) => sum + unitsOf(group), 0)
  const infoSize = roundUp(
    roundUp(numbers.sizeofPcpuAllocInfo + groups.length * numbers.sizeofPcpuGroupInfo, INT) + units * INT,
    PAGE_SIZE,
  )
  const info = allocate(state, 'percpu information', { size: infoSize, align: PAGE_SIZE })
  const areasSize = roundUp(groups.length * LONG, PAGE_SIZE)
  const areas = allocate(state, 'percpu areas', { size: areasSize, align: numbers.smpCacheBytes })
  const starts = groups.map((group) => {
    const nid = nodeOfCpu(state, group[0] ?? 0)
    return allocate(state, 'percpu data', { size: unitsOf(group) * unitSize, align: ATOM, start: MAX_DMA, nid })
  })
  const used = staticSize + reservedSize + dynamicSize
  groups.forEach((group, index) => {
    for (let unit = 0; unit < unitsOf(group); unit++) {
      const start = (starts[index] ?? 0) + unit * unitSize
      if (unit >= group.length) memblock.free(start, unitSize)
      else memblock.free(start + used, unitSize - used)
    }
  })
  allocateFirstChunk(state, shape)
  memblock.free(info, infoSize)
  memblock.free(areas, areasSize)
}

/** pcpu_setup_first_chunk() (mm/percpu.c, 7.3): the allocator's own tables. */
function allocateFirstChunk(state: BootState, shape: PercpuShape): void {
  const { numbers } = state.input.build
  const { groups, unitSize, staticSize, reservedSize, dynamicSize } = shape
  const cpus = state.input.cpuNodes.length
  const table = (what: string, size: number): number => allocate(state, what, { size, align: numbers.smpCacheBytes })
  table('percpu group offsets', groups.length * LONG)
  table('percpu group sizes', groups.length * LONG)
  table('percpu unit map', cpus * INT)
  table('percpu unit offsets', cpus * LONG)
  const slots = Math.max(bitLength(unitSize) - SLOT_BASE_SHIFT + 2, 1) + 4
  table('percpu chunk lists', slots * LIST_HEAD)
  const aligned = roundUp(staticSize, numbers.pcpuMinAllocSize)
  if (reservedSize > 0) allocateChunk(state, aligned, reservedSize)
  allocateChunk(state, aligned + reservedSize, dynamicSize - (aligned - staticSize))
}

/** fls(): position of the highest bit, from 1. */
const bitLength = (value: number): number => value.toString(2).length

/** pcpu_alloc_first_chunk(): for the region of `size` bytes that begins `offset` bytes into the unit. */
function allocateChunk(state: BootState, offset: number, size: number): void {
  const { numbers } = state.input.build
  const region = roundUp(offset - roundDown(offset, PAGE_SIZE) + size, PAGE_SIZE)
  const bits = region / numbers.pcpuMinAllocSize
  const longs = (count: number): number => Math.ceil(count / 64) * LONG
  const table = (what: string, bytes: number): number => allocate(state, what, { size: bytes, align: numbers.smpCacheBytes })
  table('a percpu chunk', numbers.sizeofPcpuChunk + longs(region / PAGE_SIZE))
  table('a percpu allocation map', longs(bits))
  table('a percpu boundary map', longs(bits + 1))
  table('percpu blocks', (region / numbers.pcpuBitmapBlockSize) * numbers.sizeofPcpuBlockMd)
}
