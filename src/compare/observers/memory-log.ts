import { MEMORY_LINES, hashTableOf, memoryLineOf } from '../../abi/memory-log.ts'
import type { MemorySubjects } from '../../shared/documents/memory-subjects.ts'
import type { GuestView } from '../../shared/documents/index.ts'
import { from, guest, never, unobserved, value, type Look, type Observer, type ObserversOf } from '../side.ts'

const RESERVE_MEM =
  /^(?:Revived memory reservation|KHO reserve-mem|FDT 'memblock' |Node '[^']+' is incompatible with 'reserve-mem|failed to (?:retrieve|prepare) (?:FDT 'memblock'|memblock FDT))/
const IN_GUEST = 'the kernel log is read in the guest'

/** From the lines of one kind. */
const onLines = <V>(kind: keyof typeof MEMORY_LINES, extract: (lines: readonly string[]) => Look<V>): Observer<V> => ({
  guest: guest(({ memory }) =>
    from(memory?.lines, 'the kernel log', (lines) => extract(lines.filter((line) => MEMORY_LINES[kind].test(line)))),
  ),
  host: never(IN_GUEST),
})

const onLine = <V>(kind: keyof typeof MEMORY_LINES, extract: (line: string) => Look<V>): Observer<V> =>
  onLines(kind, ([line]) => (line === undefined ? unobserved('the kernel log does not have it') : extract(line)))

/** No lines at all say that the log has lost them: every kernel prints some. */
const some = (lines: readonly string[]): Look<readonly string[]> =>
  lines.length === 0 ? unobserved('the kernel log has none of them') : value(lines)

/**
 * Why a log says nothing by what it lacks: what comes first in it is gone, so much was printed after it. Undefined where it is
 * there, and in runs that kept none of its lines.
 */
export function lostBeginning({ memory }: Pick<GuestView, 'memory'>): { readonly unobserved: string } | undefined {
  const lines = memory?.lines
  return lines?.ok !== true || lines.value.some((line) => MEMORY_LINES.zones.test(line))
    ? undefined
    : unobserved('the kernel log has lost its beginning; log_buf_len=16M among the options of the kernel keeps it')
}

export const memoryLogObservers: ObserversOf<Extract<keyof MemorySubjects, `log.${string}`>> = {
  'log.zones': onLines('zones', some),
  'log.zonelists': onLine('zonelists', value),
  'log.percpu': onLine('percpu', value),
  'log.hashTables': onLines('hashTables', (lines) => {
    const tables = lines.flatMap((line) => hashTableOf(line) ?? [])
    return tables[0]?.name === 'Dentry cache' ? value(tables) : unobserved('the kernel log does not have all of them')
  }),
  'log.memory': onLine('memory', (line) => {
    const numbers = memoryLineOf(line)
    if (numbers === undefined) return unobserved(`not a Memory: line that the lab knows: ${line.slice(0, 80)}`)
    const { available: _changing, ...determined } = numbers
    return value(determined)
  }),
  'log.freed': onLines('freed', (lines) => some([...lines].sort())),
  'log.kho': {
    // None of them is an answer, but only of a log that has its beginning.
    guest: guest((view) =>
      from(
        view.memory?.lines,
        'the kernel log',
        (lines) => lostBeginning(view) ?? value(lines.filter((line) => MEMORY_LINES.kho.test(line))),
      ),
    ),
    host: never(IN_GUEST),
  },
  'log.reserveMem': {
    guest: guest((view) =>
      from(view.memory?.lines, 'the kernel log', () =>
        from(view.khoMessages, 'dmesg', (lines) => lostBeginning(view) ?? value(lines.filter((line) => RESERVE_MEM.test(line)))),
      ),
    ),
    host: never(IN_GUEST),
  },
}
