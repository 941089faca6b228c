import { err, ok, type Result } from '../../shared/result.ts'

export interface RamBlock {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** Memory backend the block belongs to, as in `-object memory-backend-…,id=`. */
  readonly backend: string
  /** Where in the backend the block begins. */
  readonly offset: number
}

const ENTRY = /^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (ram|rom)\): (\S+)(?: @([0-9a-f]{16}))?( |$)/

/**
 * RAM as the guest's CPUs see it, from `info mtree -f`: the ram and rom entries of the flat view whose address space is
 * "memory" that belong to one of `backends`. SeaBIOS write-protects parts of the first MiB (the PAM registers), which
 * QEMU lists as rom over the same backend: still RAM. Neighbours that continue one another are one block.
 */
export function parseMtree(text: string, backends: ReadonlySet<string>): Result<RamBlock[]> {
  const blocks: RamBlock[] = []
  for (const line of systemFlatView(text)) {
    const match = ENTRY.exec(line)
    const [, startText, lastText, , backend, offsetText] = match ?? []
    if (startText === undefined || lastText === undefined || backend === undefined || !backends.has(backend)) continue
    const start = Number.parseInt(startText, 16)
    const end = Number.parseInt(lastText, 16) + 1
    const offset = offsetText === undefined ? 0 : Number.parseInt(offsetText, 16)
    if (!Number.isSafeInteger(end) || !Number.isSafeInteger(offset) || end <= start)
      return err(`info mtree: cannot use the line "${line.trim()}"`)
    const last = blocks.at(-1)
    if (last !== undefined && last.end > start) return err(`info mtree: "${line.trim()}" overlaps the block before it`)
    if (
      last !== undefined &&
      last.backend === backend &&
      last.end === start &&
      last.offset + (last.end - last.start) === offset
    ) {
      blocks[blocks.length - 1] = { ...last, end }
    } else {
      blocks.push({ start, end, backend, offset })
    }
  }
  return blocks.length > 0 ? ok(blocks) : err('info mtree: no RAM in the address space "memory"')
}

/** Lines of the flat view that the address space "memory" uses. */
function systemFlatView(text: string): readonly string[] {
  const views = text.split(/^FlatView #\d+\s*$/m)
  const view = views.find((candidate) => /^ AS "memory", root: /m.test(candidate))
  return view === undefined ? [] : view.split(/\r?\n/)
}

/** The same blocks as address ranges, those that touch joined: NUMA nodes have one backend each. */
export function ramRanges(blocks: readonly RamBlock[]): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = []
  for (const { start, end } of blocks) {
    const last = ranges.at(-1)
    if (last !== undefined && last.end === start) last.end = end
    else ranges.push({ start, end })
  }
  return ranges
}
