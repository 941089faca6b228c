import { blockOrder, headOf } from './buddy.ts'
import { framesOf } from './frame-bits.ts'
import { ORDERS, USED, type Pages } from './pages.ts'

/** Free blocks per order over all zones: the columns of /proc/buddyinfo, added up. */
export function freeByOrder(pages: Pages): number[] {
  const orders = new Array<number>(ORDERS).fill(0)
  pages.blocksFree.forEach((count, index) => {
    const order = index % ORDERS
    orders[order] = (orders[order] ?? 0) + count
  })
  return orders
}

/** Frames of the longest run without an allocated block for which `stays` holds, inside [start, end). */
export function longestRun(
  pages: Pages,
  start: number,
  end: number,
  stays: (head: number) => boolean,
): { readonly start: number; readonly frames: number } {
  let best = { start, frames: 0 }
  let from = start
  for (let at = headOf(pages, start); at < end;) {
    const next = at + framesOf(blockOrder(pages, at))
    if ((pages.state[at] ?? 0) >= USED && stays(at)) from = next
    else if (Math.min(next, end) - from > best.frames) best = { start: from, frames: Math.min(next, end) - from }
    at = next
  }
  return best
}
