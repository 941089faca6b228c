import { err, ok, type Result } from '../shared/result.ts'

const MAX_LINES = 100_000
const COUNTS = /^Node (\d{1,4}), zone {1,8}(\S{1,16})((?: {1,16}\d{1,15}){1,64}) ?$/

const numbers = (text: string): readonly number[] => text.trim().split(/ +/).map(Number)

/** Pageblocks of one zone by migratetype, as /proc/pagetypeinfo shows them. */
interface PageBlocks {
  readonly node: number
  readonly zone: string
  readonly blocks: { readonly [migratetype: string]: number }
}

const TYPES = /^Number of blocks type {1,16}((?:[A-Za-z]{1,16} {1,16}){1,16})$/

/** "Number of blocks type" of /proc/pagetypeinfo (pagetypeinfo_showblockcount(), mm/vmstat.c, 7.3), printed node by node. */
export function parsePagetypeinfo(text: string): Result<readonly PageBlocks[]> {
  const lines = text.split('\n')
  if (lines.length > MAX_LINES) return err(`/proc/pagetypeinfo has more than ${MAX_LINES} lines`)
  const zones: PageBlocks[] = []
  let types: readonly string[] | undefined
  for (const line of lines) {
    const heading = TYPES.exec(line)
    if (heading !== null) types = (heading[1] ?? '').trim().split(/ +/)
    const match = heading === null ? COUNTS.exec(line) : null
    if (match === null || types === undefined) {
      if (heading === null) types = undefined
      continue
    }
    const counts = numbers(match[3] ?? '')
    if (counts.length !== types.length)
      return err(`/proc/pagetypeinfo: ${types.length} migratetypes, ${counts.length} numbers: ${line.slice(0, 80)}`)
    const named = types.map((type, index): [string, number] => [type, counts[index] ?? 0])
    zones.push({ node: Number(match[1]), zone: match[2] ?? '', blocks: Object.fromEntries(named) })
  }
  return zones.length === 0 ? err('/proc/pagetypeinfo has no "Number of blocks type"') : ok(zones)
}
