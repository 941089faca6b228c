import type { MapEntry, Range } from '../../shared/documents/index.ts'
import { fromHex, GiB, hex } from '../../shared/units.ts'
import { from, guest, host, never, value, type ObserversOf } from '../side.ts'

const FOUR_GIB = 4 * GiB

export const firmwareObservers: ObserversOf<'firmware.map' | 'firmware.ram'> = {
  'firmware.map': {
    guest: guest((view) =>
      from(view.firmwareMap, '/sys/firmware/memmap', (map) =>
        value(ascending(map).map(({ start, end, type }) => ({ start, end, type }))),
      ),
    ),
    host: never('the firmware map is made inside the guest; QEMU shows RAM blocks only'),
  },
  'firmware.ram': {
    guest: guest((view) => from(view.firmwareMap, '/sys/firmware/memmap', (map) => value(ramOf(map)))),
    host: host((view) =>
      from(view.ramMap, "QEMU's RAM map", (ranges) => value(ascending(ranges).map(({ start, end }) => ({ start, end })))),
    ),
  },
}

const ascending = <T extends Range>(ranges: readonly T[]): T[] => [...ranges].sort((a, b) => fromHex(a.start) - fromHex(b.start))

/** Guest RAM by its firmware map: what firmware keeps for itself at the end of low RAM is RAM too. */
function ramOf(map: readonly MapEntry[]): Range[] {
  const usable = ascending(map.filter((entry) => entry.type === 'System RAM'))
  const low = usable.findLast((entry) => fromHex(entry.start) < FOUR_GIB)
  const high = usable.findLast((entry) => fromHex(entry.start) >= FOUR_GIB)
  const kept = low && map.find((entry) => entry.type === 'Reserved' && entry.start === low.end)
  return [
    ...(low === undefined ? [] : [{ start: '0x0', end: kept?.end ?? low.end }]),
    ...(high === undefined ? [] : [{ start: hex(FOUR_GIB), end: high.end }]),
  ]
}
