import { err, ok } from '../shared/result.ts'
import type { Result } from '../shared/result.ts'
import { PHYS_ADDR_LIMIT, physAddr } from '../shared/units.ts'
import type { PhysAddr } from '../shared/units.ts'

/** One line of /proc/iomem. */
export interface IomemResource {
  readonly start: PhysAddr
  /** Exclusive; the file itself has the last byte. */
  readonly end: PhysAddr
  readonly name: string
  /** 0 for a top-level resource. The kernel stops counting at 5. */
  readonly depth: number
}

const LINE = /^( {0,64})([0-9a-f]{8,16})-([0-9a-f]{8,16}) : (.*)$/
const MAX_LINES = 100_000

/**
 * /proc/iomem as r_show() prints it (kernel/resource.c, 7.3).
 * Fails on any line of another form, and when all addresses are 0: that is what a reader without CAP_SYS_ADMIN is shown.
 */
export function parseIomem(text: string): Result<readonly IomemResource[]> {
  const lines = text.split('\n').filter((line) => line !== '')
  if (lines.length > MAX_LINES) return err(`/proc/iomem has more than ${MAX_LINES} lines`)
  const resources: IomemResource[] = []
  for (const line of lines) {
    const match = LINE.exec(line)
    if (match === null) return err(`not a line of /proc/iomem: ${line.slice(0, 80)}`)
    const start = Number(`0x${match[2] ?? ''}`)
    const end = Number(`0x${match[3] ?? ''}`) + 1
    if (end > PHYS_ADDR_LIMIT || end < start) return err(`not a range of physical memory: ${line.slice(0, 80)}`)
    resources.push({ start: physAddr(start), end: physAddr(end), name: match[4] ?? '', depth: (match[1] ?? '').length / 2 })
  }
  if (resources.length > 0 && resources.every(({ end }) => end === 1)) {
    return err('/proc/iomem shows only zero addresses: it was read without CAP_SYS_ADMIN')
  }
  return ok(resources)
}
