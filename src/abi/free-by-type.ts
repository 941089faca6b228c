import { err, ok, type Result } from '../shared/result.ts'

/** Free blocks of one migratetype in one zone by order, as /proc/pagetypeinfo shows them. */
export interface FreeOfType {
  readonly node: number
  readonly zone: string
  /** `Unmovable`, `Movable`, `Reclaimable`, `HighAtomic`, `CMA`, `Isolate`. */
  readonly type: string
  readonly freeByOrder: readonly number[]
}

const MAX_LINES = 100_000
const HEADING = /^Free pages count per migrate type at order {1,16}\d/
const LINE = /^Node {1,8}(\d{1,4}), zone {1,8}(\S{1,16}), type {1,16}(\S{1,16}) {1,16}((?:>?\d{1,15} {1,16}){1,64})$/

/**
 * "Free pages count per migrate type" of /proc/pagetypeinfo (pagetypeinfo_showfree_print(), mm/vmstat.c, 7.3), printed node by
 * node. A list that the kernel gave up counting (`>100000`) is an error: its length is not known.
 */
export function parseFreeByType(text: string): Result<readonly FreeOfType[]> {
  const lines = text.split('\n')
  if (lines.length > MAX_LINES) return err(`/proc/pagetypeinfo has more than ${MAX_LINES} lines`)
  const found: FreeOfType[] = []
  let inside = false
  for (const line of lines) {
    if (HEADING.test(line)) inside = true
    else if (line === '') inside = false
    else if (inside) {
      const match = LINE.exec(line)
      if (match === null) return err(`/proc/pagetypeinfo: not a line of free pages: ${line.slice(0, 80)}`)
      const counts = (match[4] ?? '').trim().split(/ +/)
      if (counts.some((count) => count.startsWith('>')))
        return err(`/proc/pagetypeinfo: a list too long to count: ${line.slice(0, 80)}`)
      found.push({ node: Number(match[1]), zone: match[2] ?? '', type: match[3] ?? '', freeByOrder: counts.map(Number) })
    }
  }
  return found.length === 0 ? err('/proc/pagetypeinfo has no "Free pages count"') : ok(found)
}
