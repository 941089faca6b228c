import { PAGE_SIZE } from '../../shared/units.ts'
import { SyntheticMemory } from './synthetic-memory.ts'

/**
 * Builds a radix tree of preserved memory page by page, as kho_radix_add_key() does (kernel/liveupdate/kexec_handover.c, 7.3).
 * On purpose it shares no arithmetic with the decoder: keys and indexes are 64-bit shifts here, as in the kernel.
 */
export class SyntheticTree {
  readonly memory: SyntheticMemory
  readonly root: number
  #nextNode: number
  /** The leaf that was written last, and the key bits above it: neighbours are added without going down again. */
  #leaf: { readonly above: bigint; readonly bitmap: Uint8Array } | undefined

  /** Node pages are taken from `nodes` upwards, which must lie inside the memory. */
  constructor(memory: SyntheticMemory, nodes: number) {
    this.memory = memory
    this.root = nodes
    this.#nextNode = nodes + PAGE_SIZE
    memory.page(nodes)
  }

  add(start: number, order: number): void {
    this.addKey((1n << BigInt(52 - order)) | (BigInt(start) >> BigInt(12 + order)))
  }

  addKey(key: bigint): void {
    const above = key >> 15n
    if (this.#leaf?.above !== above) this.#leaf = { above, bitmap: this.#leafOf(key) }
    const bit = Number(key & 32767n)
    const { bitmap } = this.#leaf
    bitmap[bit >> 3] = (bitmap[bit >> 3] ?? 0) | (1 << (bit & 7))
  }

  #leafOf(key: bigint): Uint8Array {
    let node = this.memory.page(this.root)
    for (let level = 5n; level > 0n; level--) {
      const index = Number((key >> (15n + 9n * (level - 1n))) & 511n)
      const view = new DataView(node.buffer, node.byteOffset, PAGE_SIZE)
      let next = Number(view.getBigUint64(8 * index, true))
      if (next === 0) {
        next = this.#nextNode
        this.#nextNode += PAGE_SIZE
        view.setBigUint64(8 * index, BigInt(next), true)
      }
      node = this.memory.page(next)
    }
    return node
  }
}

/**
 * The tree of `pages` order-0 records that fill RAM from 1 GiB up: `syntheticPages(4 * 2 ** 20)` is 16 GiB, page by page.
 * With `stride` 2 every other page: the worst case for runs.
 */
export function syntheticPages(pages: number, stride = 1): SyntheticTree {
  const first = 2 ** 30
  const memory = new SyntheticMemory([{ start: 0, end: first + pages * stride * PAGE_SIZE }])
  const tree = new SyntheticTree(memory, PAGE_SIZE)
  for (let page = 0; page < pages; page++) tree.add(first + page * stride * PAGE_SIZE, 0)
  return tree
}
