import { err, ok, type Result } from '../shared/result.ts'

/** Free blocks of one zone by order, as /proc/buddyinfo shows them. */
export interface BuddyZone {
  readonly node: number
  readonly zone: string
  readonly freeByOrder: readonly number[]
}

const MAX_LINES = 100_000
const BUDDY = /^Node (\d{1,4}), zone {1,8}(\S{1,16})((?: {1,16}\d{1,15}){1,64}) ?$/

const numbers = (text: string): readonly number[] => text.trim().split(/ +/).map(Number)

/** /proc/buddyinfo as frag_show_print() prints it (mm/vmstat.c, 7.3): zones with memory only. */
export function parseBuddyinfo(text: string): Result<readonly BuddyZone[]> {
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length > MAX_LINES) return err(`/proc/buddyinfo has more than ${MAX_LINES} lines`)
  const zones: BuddyZone[] = []
  for (const line of lines) {
    const match = BUDDY.exec(line)
    if (match === null) return err(`not a line of /proc/buddyinfo: ${line.slice(0, 80)}`)
    zones.push({ node: Number(match[1]), zone: match[2] ?? '', freeByOrder: numbers(match[3] ?? '') })
  }
  return zones.length === 0 ? err('/proc/buddyinfo names no zone') : ok(zones)
}

/** Pageblocks of one zone by migratetype, as /proc/pagetypeinfo shows them. */
export interface PageBlocks {
  readonly node: number
  readonly zone: string
  readonly blocks: { readonly [migratetype: string]: number }
}

const TYPES = /^Number of blocks type {1,16}((?:[A-Za-z]{1,16} {1,16}){1,16})$/
const COUNTS = BUDDY

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

/** One line of /proc/meminfo in bytes. */
export function meminfoBytes(text: string, name: string): Result<number> {
  const match = new RegExp(`^${name}: {1,16}(\\d{1,12}) kB$`, 'm').exec(text)
  return match === null ? err(`/proc/meminfo has no ${name}`) : ok(Number(match[1]) * 1024)
}
