import { createHash } from 'node:crypto'
import { orderBytes } from '../../abi/preserve.ts'
import type { ControlGroup, HopObservation } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, fromHex } from '../../shared/units.ts'

interface Watched {
  readonly name: string
  readonly pages: readonly number[]
  readonly digests: readonly string[]
}

/** Pages of one set that are looked at; enough to show that unprotected memory does not stay. */
const PAGES_MAX = 65_536

/**
 * Watches sets that are not preserved over one hop: the check that preserved pages stay the same would be worth nothing if
 * pages that nothing protects passed it as well.
 */
export class ControlWatch {
  #watched: readonly Watched[] = []

  /** Last before the kexec: every set that khoprobe still has and has not preserved, where its entries are known. */
  begin(memory: PhysMemory, { workload }: HopObservation): void {
    const left = workload?.left.ok ? workload.left.value : []
    const loose = left.filter(({ state }) => state === 'allocated' || state === 'restored')
    this.#watched = loose.flatMap(({ name }) => {
      const entries = workload?.steps.findLast((step) => step.set?.name === name && step.entries !== undefined)?.entries
      const pages = entries?.flatMap(({ start, order }) => pagesOf(fromHex(start), order)).slice(0, PAGES_MAX) ?? []
      return pages.length === 0 ? [] : [{ name, pages, digests: digestsOf(memory, pages) }]
    })
  }

  /** First in the next boot; undefined when nothing was watched. */
  end(memory: PhysMemory): ControlGroup[] | undefined {
    if (this.#watched.length === 0) return undefined
    return this.#watched.map(({ name, pages, digests }) => {
      const now = digestsOf(memory, pages)
      return {
        name,
        pages: pages.length,
        before: joined(digests),
        after: joined(now),
        changed: now.filter((digest, index) => digest !== digests[index]).length,
      }
    })
  }
}

const pagesOf = (start: number, order: number): number[] =>
  Array.from({ length: orderBytes(order) / PAGE_SIZE }, (_unused, index) => start + index * PAGE_SIZE)

/** A page that cannot be read has no digest and so counts as changed. */
const digestsOf = (memory: PhysMemory, pages: readonly number[]): string[] =>
  pages.map((page) => {
    const bytes = memory.read(page, PAGE_SIZE)
    return bytes === undefined ? '' : createHash('sha256').update(bytes).digest('hex')
  })

const joined = (digests: readonly string[]): string => createHash('sha256').update(digests.join('\n')).digest('hex')
