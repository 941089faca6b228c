import { err, ok, type Result } from '../shared/result.ts'

/** One zone of one node as /proc/zoneinfo shows it; page counts. */
export interface ZoneInfo {
  readonly node: number
  readonly zone: string
  readonly free: number
  readonly spanned: number
  readonly present: number
  readonly managed: number
  readonly cma: number
  /** First page frame; only zones with memory have one. */
  readonly startPfn: number | undefined
}

const HEAD = /^Node (\d{1,4}), zone {1,8}(\S{1,16})$/
const FIELD = /^ {0,16}(pages free|spanned|present|managed|cma|start_pfn:) {1,16}(\d{1,15})$/
const MAX_LINES = 1_000_000
const ASKED = ['pages free', 'spanned', 'present', 'managed', 'cma'] as const

/**
 * /proc/zoneinfo as zoneinfo_show_print() prints it (mm/vmstat.c, 7.3). Lines with other counters are passed over; a zone
 * that lacks one of those that are asked for fails the whole file and says which.
 */
export function parseZoneinfo(text: string): Result<readonly ZoneInfo[]> {
  const lines = text.split('\n')
  if (lines.length > MAX_LINES) return err(`/proc/zoneinfo has more than ${MAX_LINES} lines`)
  const zones: { node: number; zone: string; fields: Map<string, number> }[] = []
  for (const line of lines) {
    const head = HEAD.exec(line)
    if (head !== null) zones.push({ node: Number(head[1]), zone: head[2] ?? '', fields: new Map() })
    const field = FIELD.exec(line)
    const fields = zones.at(-1)?.fields
    // The first one counts: the statistics that follow have other names, but cpu sections are the kernel's to extend.
    if (field !== null && fields !== undefined && !fields.has(field[1] ?? '')) fields.set(field[1] ?? '', Number(field[2]))
  }
  if (zones.length === 0) return err('/proc/zoneinfo names no zone')
  const found: ZoneInfo[] = []
  for (const { node, zone, fields } of zones) {
    const missing = ASKED.find((name) => !fields.has(name))
    if (missing !== undefined) return err(`/proc/zoneinfo: zone ${zone} of node ${node} lacks "${missing}"`)
    const count = (name: (typeof ASKED)[number]): number => fields.get(name) ?? 0
    found.push({
      node,
      zone,
      free: count('pages free'),
      spanned: count('spanned'),
      present: count('present'),
      managed: count('managed'),
      cma: count('cma'),
      startPfn: fields.get('start_pfn:'),
    })
  }
  return ok(found)
}
