import type { RadixView } from '../../shared/documents/index.ts'
import { from, guest, host, never, onHop, unobserved, value, type Look, type ObserversOf } from '../side.ts'

const MESSAGE = /(Retrieved live update data, liveupdate number: \d+)/

export const luoObservers: ObserversOf<'luo.message' | 'luo.operations' | 'luo.records' | 'luo.sessions'> = {
  'luo.message': {
    guest: guest((view) =>
      from(view.khoMessages, 'dmesg', (lines) => {
        const found = lines.map((line) => MESSAGE.exec(line)?.[1]).find((text) => text !== undefined)
        return found === undefined ? unobserved('dmesg has no line about live update data') : value(found)
      }),
    ),
    host: never('messages are read in the guest'),
  },
  'luo.operations': {
    guest: onHop(({ hop }) => from(hop.luo, "the guest's luo tool", value)),
    host: never('errno of an ioctl is told to its caller only'),
  },
  'luo.records': {
    guest: never('debugfs does not show the radix tree'),
    host: host((view) =>
      from(view.outRadix, 'the radix tree before the steps', (before) =>
        from(view.handedOver, 'the radix tree after the steps', (after) => added(before, after)),
      ),
    ),
  },
  'luo.sessions': {
    guest: never('only a program that opens /dev/liveupdate could see them, and that changes them'),
    host: host((view) => from(view.luoIncoming, 'LUO sessions in RAM', ({ sessions }) => value(sessions))),
  },
}

/** From the counts: the lists may be cut. Order 0 is told apart only where both lists are whole. */
function added(before: RadixView, after: RadixView): Look<{ order0: number; other: number }> {
  if (!before.complete || !after.complete) return unobserved('the walk of the radix tree was not complete')
  const records = after.recordCount - before.recordCount
  const pages = after.pageCount - before.pageCount
  // As many pages as records: every one of them has order 0.
  return value(records === pages ? { order0: records, other: 0 } : { order0: 0, other: records })
}
