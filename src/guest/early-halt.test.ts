import { describe, expect, it } from 'vitest'
import { EarlyHalt } from './early-halt.ts'

const heard = (lines: readonly string[]): readonly (string | undefined)[] => {
  const halt = new EarlyHalt()
  return lines.map((line) => halt.hear(line))
}
const VERSION = '[    0.000000] Linux version 7.3.4 (lab@kho) #1'
const RIP = '[    0.000000] RIP: 0010:__kho_radix_walk_tree+0x56/0x125'
const END = '[    0.000000]  </TASK>'

describe('a kernel that halts without a word', () => {
  it('is known by registers and the end of their trace', () => {
    expect(heard([VERSION, RIP, '[    0.000000] Call Trace:', END])).toEqual([
      undefined,
      undefined,
      undefined,
      '__kho_radix_walk_tree',
    ])
    expect(heard([RIP.replace(']', '][    T0]'), END]).at(-1)).toBe('__kho_radix_walk_tree')
  })

  it('is known whether its clock runs already or not', () => {
    expect(heard([VERSION, RIP.replace('0.000000', '0.012345'), END]).at(-1)).toBe('__kho_radix_walk_tree')
  })

  it('is not one that only warns', () => {
    const warning = '[    0.000000] WARNING: mm/memblock.c:1500 at memblock_alloc_range_nid+0x12/0x34, CPU#0: swapper/0'
    expect(heard([VERSION, warning, RIP, END]).at(-1)).toBeUndefined()
  })

  it('is not one that oopses, that has its handlers already, or that only a trace is printed of', () => {
    expect(heard([VERSION, '[    0.000000] BUG: unable to handle page fault for address: 0', RIP, END]).at(-1)).toBeUndefined()
    expect(heard([VERSION, '[    0.170000] SLUB: HWalign=64, Order=0-1', RIP, END]).at(-1)).toBeUndefined()
    expect(heard([END])).toEqual([undefined])
  })

  it('is heard anew in each boot', () => {
    expect(heard(['[    9.000000] Oops: 0000', VERSION, RIP, END]).at(-1)).toBe('__kho_radix_walk_tree')
    expect(heard([RIP, VERSION, END]).at(-1)).toBeUndefined()
  })
})
