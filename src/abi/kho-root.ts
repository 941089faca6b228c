import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { parseFdt, stringListProperty, u64leProperty } from './fdt.ts'
import type { FdtNode } from './fdt.ts'

/** include/linux/kho/abi/kexec_handover.h (7.1 to 7.3). */
export const MEMORY_MAP = 'preserved-memory-map'
export const PRESERVED_DATA = 'preserved-data'
export const BLOB_SIZE = 'blob-size'

/** kho-v3: 7.1; kho-v4: 7.2 and 7.3. Both have the same properties and the same radix tree. */
export const KHO_COMPATIBLES: readonly string[] = ['kho-v3', 'kho-v4']

export interface KhoSubtree {
  readonly name: string
  readonly address: number
  readonly size: number
}

export interface KhoRoot {
  readonly compatible: string
  /** Physical address of the radix tree's root node. */
  readonly memoryMap: number
  /** In the order of the blob: the newest first. */
  readonly subtrees: readonly KhoSubtree[]
  /** Sub nodes that kho_retrieve_subtree() would refuse, with the reason. */
  readonly broken: readonly { readonly name: string; readonly reason: string }[]
  /** The blob's own length, by its header. */
  readonly totalSize: number
}

/**
 * The root FDT that one kernel hands to the next. Fails for any compatible that is not in {@link KHO_COMPATIBLES}, and
 * names it: show such a blob raw. Fails as kho_populate() does (7.3) on a missing or zero preserved-memory-map.
 */
export function decodeKhoRoot(bytes: Uint8Array): Result<KhoRoot> {
  const fdt = parseFdt(bytes)
  if (!fdt.ok) return fdt
  const { root, totalSize } = fdt.value
  const compatibles = stringListProperty(root, 'compatible')
  if (compatibles === undefined) return err('the root node has no compatible string')
  const compatible = compatibles.find((candidate) => KHO_COMPATIBLES.includes(candidate))
  if (compatible === undefined) return err(`compatible '${compatibles.join("', '")}' is not one of ${KHO_COMPATIBLES.join(', ')}`)
  const memoryMap = u64leProperty(root, MEMORY_MAP)
  if (!memoryMap.ok) return memoryMap
  if (memoryMap.value === 0) return err(`${MEMORY_MAP} is 0: nothing was preserved`)
  const subtrees: KhoSubtree[] = []
  const broken: { name: string; reason: string }[] = []
  for (const child of root.children) {
    const subtree = decodeSubtree(child)
    if (subtree.ok) subtrees.push(subtree.value)
    else broken.push({ name: child.name, reason: subtree.error })
  }
  return ok({ compatible, memoryMap: memoryMap.value, subtrees, broken, totalSize })
}

function decodeSubtree(node: FdtNode): Result<KhoSubtree> {
  const address = u64leProperty(node, PRESERVED_DATA)
  if (!address.ok) return address
  const size = u64leProperty(node, BLOB_SIZE)
  if (!size.ok) return size
  return ok({ name: node.name, address: address.value, size: size.value })
}
