import { encodeKexecMetadata } from '../../abi/kexec-metadata.ts'
import { kernelRootFdt } from '../../abi/libfdt-layout.ts'
import { radixLayout } from '../../abi/radix.ts'
import { encodeScratchArray } from '../../abi/setup-data.ts'
import { insideRam, type PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, physAddr } from '../../shared/units.ts'

/** RAM of a guest that never ran: only the pages that were written take room. Everything in it is laid out as kernels do. */
export class SyntheticMemory implements PhysMemory {
  readonly ranges: readonly { readonly start: number; readonly end: number }[]
  readonly #pages = new Map<number, Uint8Array>()

  constructor(...ranges: { readonly start: number; readonly end: number }[]) {
    this.ranges = ranges
  }

  read(address: number, length: number): Uint8Array | undefined {
    if (!insideRam(this, address, length)) return undefined
    const bytes = new Uint8Array(length)
    for (let page = address - (address % PAGE_SIZE); page < address + length; page += PAGE_SIZE) {
      const content = this.#pages.get(page)
      if (content === undefined) continue
      const from = Math.max(address, page)
      bytes.set(content.subarray(from - page, Math.min(address + length, page + PAGE_SIZE) - page), from - address)
    }
    return bytes
  }

  /** Not across a page's end. */
  write(address: number, bytes: Uint8Array): void {
    const page = address - (address % PAGE_SIZE)
    const content = this.#pages.get(page) ?? new Uint8Array(PAGE_SIZE)
    content.set(bytes, address - page)
    this.#pages.set(page, content)
  }
}

export interface SyntheticRoot {
  readonly address: number
  readonly kexecCount: number
  /** Records beside the root's and the metadata's pages. */
  readonly records?: readonly { readonly start: number; readonly order: number }[]
  /** A copy of a root elsewhere: its page is not in its tree. */
  readonly withoutItself?: boolean
}

/** Writes a handover: root at `address`, metadata behind it, the tree's nodes behind that. Answers with the blob. */
export function writeHandover(
  memory: SyntheticMemory,
  { address, kexecCount, records = [], withoutItself = false }: SyntheticRoot,
): Uint8Array {
  const metadata = address + PAGE_SIZE
  const tree = address + 2 * PAGE_SIZE
  const all = [...(withoutItself ? [] : [{ start: address, order: 0 }]), { start: metadata, order: 0 }, ...records]
  writeTree(memory, tree, all)
  memory.write(metadata, encodeKexecMetadata({ version: 1, previousRelease: '7.3.4', kexecCount }))
  const blob = kernelRootFdt({
    compatible: 'kho-v4',
    memoryMap: tree,
    subtrees: [{ name: 'kexec-metadata', address: metadata, size: 73 }],
  })
  memory.write(address, blob)
  return blob
}

function writeTree(
  memory: SyntheticMemory,
  first: number,
  records: readonly { readonly start: number; readonly order: number }[],
): void {
  const nodes = radixLayout(records).map((node, index) => ({ ...node, address: first + index * PAGE_SIZE }))
  for (const { level, prefix, slots, address } of nodes) {
    const page = new Uint8Array(PAGE_SIZE)
    const view = new DataView(page.buffer)
    if (level === 0) for (const bit of slots) page[Math.floor(bit / 8)] = (page[Math.floor(bit / 8)] ?? 0) + 2 ** (bit % 8)
    else {
      const span = 2 ** (15 + 9 * (level - 1))
      for (const slot of slots) {
        const child = nodes.find((node) => node.level === level - 1 && node.prefix === prefix + slot * span)
        view.setBigUint64(8 * slot, BigInt(child?.address ?? 0), true)
      }
    }
    memory.write(address, page)
  }
}

export const scratchArray = (regions: readonly { readonly start: number; readonly size: number }[]): Uint8Array =>
  encodeScratchArray(regions.map(({ start, size }) => ({ start: physAddr(start), size })))
