import { z } from 'zod'
import { Hex, Range } from '../../shared/documents/common.ts'
import { PAGE_SIZE, fromHex } from '../../shared/units.ts'
import type { Span } from '../firmware-map.ts'

const Ranges = z.array(Range)

/** The given `workload.memory`. */
export const WorkloadMemory = z.object({
  address: Hex,
  sets: z.array(z.object({ name: z.string(), listPages: Ranges, areaChunks: Ranges, pages: Ranges })),
})

const spanOf = ({ start, end }: Range): Span => ({ start: fromHex(start), end: fromHex(end) })

/**
 * Memory that khoprobe has restored. When it is loaded: the list of every set of the table with its chunks, and the table's own
 * page (probe_inherit(), qemu-images/khoprobe/restore.c). With `restored`: the pages of the set, and the chunks of a vmalloc area.
 * Each is managed by the page allocator from then on, also where it is freed at once.
 */
export function takenBackSpans(memory: z.output<typeof WorkloadMemory>, restored: readonly string[]): readonly Span[] {
  const page = fromHex(memory.address)
  return [
    { start: page, end: page + PAGE_SIZE },
    ...memory.sets.flatMap(({ name, listPages, areaChunks, pages }) =>
      [...listPages, ...(restored.includes(name) ? [...areaChunks, ...pages] : [])].map(spanOf),
    ),
  ]
}
