import { RADIX_TABLE_SLOTS } from './radix.ts'

/**
 * Slots in use of a node page as documents have them: up to 512, which is all of a table, as numbers; more of a leaf as the
 * kernel prints a bitmap (`%*pbl`): `0-4095,8192`. `slots` ascend.
 */
export function slotList(slots: ArrayLike<number>): number[] | string {
  if (slots.length <= RADIX_TABLE_SLOTS) return Array.from(slots)
  const ranges: string[] = []
  for (let at = 0; at < slots.length;) {
    const first = slots[at] ?? 0
    let last = first
    for (at++; slots[at] === last + 1; at++) last++
    ranges.push(first === last ? `${first}` : `${first}-${last}`)
  }
  return ranges.join(',')
}
