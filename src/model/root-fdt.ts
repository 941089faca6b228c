import { KHOPROBE_NODE, KHOPROBE_TABLE_SIZE } from '../abi/khoprobe.ts'
import { kernelMemblockFdt, kernelRootFdt, type KernelSubtree } from '../abi/libfdt-layout.ts'
import type { Behaviour } from './behaviour.ts'
import type { ReserveMem } from './kernel-options.ts'

/** A sub node of the KHO root FDT, and its size. */
interface SubtreePlan {
  readonly name: string
  readonly size: number
}

export const METADATA_NODE = 'kexec-metadata'
export const LUO_NODE = 'LUO'
export const MEMBLOCK_NODE = 'memblock'

/**
 * In the order of kho_add_subtree(): kexec-metadata in kho_init() (fs_initcall), LUO in luo_late_startup() and memblock in
 * reserve_mem_init(), both late_initcall and in link order (kernel/ before mm/); khoprobe's table with the first set that it
 * preserves.
 */
export function subtreePlan(
  liveupdate: boolean,
  reserveMem: readonly ReserveMem[],
  behaviour: Behaviour,
  khoprobe: boolean,
): readonly SubtreePlan[] {
  const regions = reserveMem.map(({ name, size }) => ({ name, start: 0, size }))
  return [
    { name: METADATA_NODE, size: behaviour.metadata.size },
    ...(liveupdate ? [{ name: LUO_NODE, size: behaviour.luo.size }] : []),
    ...(regions.length === 0 ? [] : [{ name: MEMBLOCK_NODE, size: kernelMemblockFdt(regions).length }]),
    ...(khoprobe ? [{ name: KHOPROBE_NODE, size: KHOPROBE_TABLE_SIZE }] : []),
  ]
}

/** The blob: kho_out_fdt_setup() and one kho_add_subtree() per subtree, in this order. Addresses do not change its size. */
export const rootFdt = (compatible: string, memoryMap: number, subtrees: readonly KernelSubtree[]): Uint8Array =>
  kernelRootFdt({ compatible, memoryMap, subtrees })

export const rootFdtSize = (compatible: string, subtrees: readonly SubtreePlan[]): number =>
  rootFdt(
    compatible,
    0,
    subtrees.map(({ name, size }) => ({ name, size, address: 0 })),
  ).length
