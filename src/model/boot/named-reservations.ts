import type { BootedMemory } from './schedule.ts'

/** Memory that is reserved when the page allocator takes over, and the step of the boot that reserved it. Bytes, `end` exclusive. */
export interface NamedReservation {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** What is left of each step's reservations at the end of early boot: what a later step gave back is gone. Ascending by start. */
export function namedReservations({ steps }: Pick<BootedMemory, 'steps'>): readonly NamedReservation[] {
  let held: NamedReservation[] = []
  for (const { name, changes } of steps)
    for (const { kind, base, size, count = 1 } of changes) {
      const start = base - (count - 1) * size
      const end = base + size
      if (kind === 'free') held = held.flatMap((one) => without(one, start, end))
      else held.push({ name, start, end })
    }
  return joined(held.sort((a, b) => a.start - b.start || b.end - a.end))
}

function without(one: NamedReservation, start: number, end: number): NamedReservation[] {
  if (end <= one.start || start >= one.end) return [one]
  return [
    { ...one, end: Math.min(one.end, start) },
    { ...one, start: Math.max(one.start, end) },
  ].filter((left) => left.end > left.start)
}

/** Neighbours of one step are one: page tables come page by page. */
function joined(sorted: readonly NamedReservation[]): NamedReservation[] {
  const list: NamedReservation[] = []
  for (const one of sorted) {
    const last = list.at(-1)
    if (last?.name === one.name && one.start <= last.end) list[list.length - 1] = { ...last, end: Math.max(last.end, one.end) }
    else list.push(one)
  }
  return list
}
