import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { parseFdt, stringListProperty, u64leProperty } from './fdt.ts'

/** include/linux/kho/abi/memblock.h (7.3); the format is the same from 6.16 on. */
/** Name of the sub node in the root FDT. */
export const MEMBLOCK_NODE = 'memblock'
export const MEMBLOCK_COMPATIBLE = 'memblock-v1'
export const RESERVE_MEM_COMPATIBLE = 'reserve-mem-v1'

export interface MemblockRegion {
  readonly name: string
  readonly start: number
  readonly size: number
}

export interface MemblockFdt {
  readonly compatible: string
  /** In the order of the reserve_mem= options that made them. */
  readonly regions: readonly MemblockRegion[]
  readonly totalSize: number
}

/** The `memblock` subtree, written by prepare_kho_fdt() and read by reserve_mem_kho_revive() (mm/memblock.c, 7.3). */
export function decodeMemblockFdt(bytes: Uint8Array): Result<MemblockFdt> {
  const fdt = parseFdt(bytes)
  if (!fdt.ok) return fdt
  const { root, totalSize } = fdt.value
  const compatibles = stringListProperty(root, 'compatible')
  if (compatibles === undefined) return err('the root node has no compatible string')
  if (!compatibles.includes(MEMBLOCK_COMPATIBLE)) {
    return err(`compatible '${compatibles.join("', '")}' is not ${MEMBLOCK_COMPATIBLE}`)
  }
  const regions: MemblockRegion[] = []
  for (const node of root.children) {
    const own = stringListProperty(node, 'compatible')
    if (own === undefined || !own.includes(RESERVE_MEM_COMPATIBLE))
      return err(`region '${node.name}' is not ${RESERVE_MEM_COMPATIBLE}`)
    const start = u64leProperty(node, 'start')
    if (!start.ok) return err(`region '${node.name}': ${start.error}`)
    const size = u64leProperty(node, 'size')
    if (!size.ok) return err(`region '${node.name}': ${size.error}`)
    regions.push({ name: node.name, start: start.value, size: size.value })
  }
  return ok({ compatible: MEMBLOCK_COMPATIBLE, regions, totalSize })
}
