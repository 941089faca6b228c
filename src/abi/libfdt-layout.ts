import { PAGE_SIZE } from '../shared/units.ts'
import { stringValue, u64leValue } from './fdt.ts'
import type { FdtNode } from './fdt.ts'
import { PACKED_START, SEQUENTIAL_START, assembleFdt, sequentialStrings, structureBlock, writeFdt } from './fdt-write.ts'
import { BLOB_SIZE, MEMORY_MAP, PRESERVED_DATA } from './kho-root.ts'
import { MEMBLOCK_COMPATIBLE, RESERVE_MEM_COMPATIBLE } from './memblock-fdt.ts'

/**
 * The exact bytes that the kernel's own libfdt calls leave behind, so that a prediction can be compared byte for byte.
 * Checked against programs that make the same calls with the libfdt of Linux 7.3.4 (see the unit test).
 */

export interface KernelSubtree {
  readonly name: string
  readonly address: number
  readonly size: number
}

export interface KernelRoot {
  readonly compatible: string
  /** Physical address of the radix tree's root node. */
  readonly memoryMap: number
  /** In the order of the kho_add_subtree() calls: the blob has the newest first. */
  readonly subtrees: readonly KernelSubtree[]
}

/**
 * The root FDT of 7.1 and later: kho_out_fdt_setup(), then kho_add_subtree() per subtree (kernel/liveupdate/kexec_handover.c, 7.3).
 * The blob alone, without the rest of its page. A subtree whose name is taken (-EEXIST), or that no longer fits into the
 * page (-ENOMEM), is left out, as the kernel leaves it out.
 */
export function kernelRootFdt(root: KernelRoot): Uint8Array {
  const empty: FdtNode = {
    name: '',
    properties: [
      { name: 'compatible', value: stringValue(root.compatible) },
      { name: MEMORY_MAP, value: u64leValue(root.memoryMap) },
    ],
    children: [],
  }
  const created: RootPage = { root: empty, strings: sequentialStrings(empty), reservationsStart: SEQUENTIAL_START }
  return blobOf(root.subtrees.reduce(addSubtree, created))
}

interface RootPage {
  readonly root: FdtNode
  readonly strings: string
  readonly reservationsStart: number
}

const blobOf = ({ root, strings, reservationsStart }: RootPage): Uint8Array =>
  assembleFdt(structureBlock(root, strings), strings, { reservationsStart })

/**
 * fdt_open_into, fdt_add_subnode, two fdt_setprop, fdt_pack, as kho_add_subtree() (7.3) makes them in the one page.
 * Each fdt_setprop puts its property in front of those that are there. Every splice must fit; a string that an earlier step added stays when a later step fails and the node is deleted.
 */
function addSubtree(page: RootPage, subtree: KernelSubtree): RootPage {
  const packed = (next: RootPage): RootPage => ({ ...next, reservationsStart: PACKED_START })
  if (page.root.children.some((child) => sameNodeName(child.name, subtree.name))) return packed(page)
  const fits = (next: RootPage): boolean => blobOf(next).length <= PAGE_SIZE
  const withNode = (strings: string, properties: FdtNode['properties']): RootPage => ({
    ...page,
    root: { ...page.root, children: [{ name: subtree.name, properties, children: [] }, ...page.root.children] },
    strings,
  })
  if (!fits(withNode(page.strings, []))) return packed(page)
  const data = { name: PRESERVED_DATA, value: u64leValue(subtree.address) }
  const first = withNode(appendString(page.strings, PRESERVED_DATA), [data])
  if (!fits(first)) return packed(page)
  const size = { name: BLOB_SIZE, value: u64leValue(subtree.size) }
  const second = withNode(appendString(first.strings, BLOB_SIZE), [size, data])
  return packed(fits(second) ? second : { ...page, strings: first.strings })
}

/** fdt_find_add_string_ of fdt_rw.c: behind the others, unless one of them ends with it. */
const appendString = (strings: string, name: string): string => (strings.includes(`${name}\0`) ? strings : `${strings}${name}\0`)

/** fdt_nodename_eq_ (fdt_ro.c): a name without unit address also equals one that only adds a unit address. */
const sameNodeName = (existing: string, wanted: string): boolean =>
  existing === wanted || (!wanted.includes('@') && existing.startsWith(`${wanted}@`))

export interface KernelMemblockRegion {
  readonly name: string
  readonly start: number
  readonly size: number
}

/** The `memblock` subtree: prepare_kho_fdt() (mm/memblock.c, 7.3), regions in the order of their reserve_mem= options. */
export function kernelMemblockFdt(regions: readonly KernelMemblockRegion[]): Uint8Array {
  return writeFdt({
    name: '',
    properties: [{ name: 'compatible', value: stringValue(MEMBLOCK_COMPATIBLE) }],
    children: regions.map((region) => ({
      name: region.name,
      properties: [
        { name: 'compatible', value: stringValue(RESERVE_MEM_COMPATIBLE) },
        { name: 'start', value: u64leValue(region.start) },
        { name: 'size', value: u64leValue(region.size) },
      ],
      children: [],
    })),
  })
}
