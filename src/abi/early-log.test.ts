import { describe, expect, test } from 'vitest'
import { e820Map, earlyNodeRanges, reservedAtEnd } from './early-log.ts'

test('the e820 map, in the words of /sys/firmware/memmap and without gaps', () => {
  const log = `[    0.000000] BIOS-provided physical RAM map:
[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff]  System RAM
[    0.000000] BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff]  device reserved
[    0.000000] BIOS-e820: [gap 0x00000000000a0000-0x00000000000effff]
[    0.000000] BIOS-e820: [mem 0x0000000100000000-0x000000017fffffff]  type 20
`
  expect(e820Map(log)).toEqual({
    ok: true,
    value: [
      { start: 0, end: 0x9fc00, type: 'System RAM' },
      { start: 0x9fc00, end: 0xa0000, type: 'Reserved' },
      { start: 0x100000000, end: 0x180000000, type: 'type 20' },
    ],
  })
  expect(e820Map('hello')).toEqual({ ok: false, error: 'the kernel log has no BIOS-e820 lines' })
})

test('early node ranges end with the first other line', () => {
  const log = `[    0.05] Early memory node ranges
[    0.05]   node   0: [mem 0x0000000000001000-0x000000000009efff]
[    0.05]   node  12: [mem 0x0000000000100000-0x00000000717fffff]
[    0.05] Initmem setup node 0 [mem 0x0000000000001000-0x000000013fffffff]
[    0.05]   node   3: [mem 0x0000000000001000-0x000000000009efff]
`
  expect(earlyNodeRanges(log)).toEqual({
    ok: true,
    value: [
      { node: 0, start: 0x1000, end: 0x9f000 },
      { node: 12, start: 0x100000, end: 0x71800000 },
    ],
  })
  expect(earlyNodeRanges('')).toEqual({ ok: false, error: 'the kernel log has no "Early memory node ranges"' })
})

const DUMP = ` memory[0x0]\t[0x0000000000001000-0x000000000009efff], 0x000000000009e000 bytes flags: 0x40
  reserved.cnt  = 0x2
  reserved[0x0]\t[0x0000000000000000-0x000000000000ffff], 0x0000000000010000 bytes flags: 0x0
  reserved[0x1]\t[0x0000000000020000-0x000000000002ffff], 0x0000000000010000 bytes flags: 0x20`
const log = (...changes: string[]): string =>
  [DUMP, ...changes, 'SLUB: HWalign=64, Order=0-1, MinObjects=0, CPUs=4, Nodes=2']
    .join('\n')
    .split('\n')
    .map((line) => `[    0.016315] ${line.replace(/^ {2}/, ' ')}`)
    .join('\n')

describe('what is reserved at the end', () => {
  const reserved = (...changes: string[]) => {
    const found = reservedAtEnd(log(...changes))
    return found.ok ? found.value.map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`) : found.error
  }

  test('is the list, and what was reserved and freed after it', () => {
    expect(reserved()).toEqual(['0-10000', '20000-30000'])
    expect(
      reserved(
        '__memblock_reserve: [0x0000000000010000-0x000000000001ffff] nid=-1 flags=20 memblock_alloc_range_nid+0xcd/0x161',
        'memblock_phys_free: [0x0000000000008000-0x0000000000027fff] pcpu_embed_first_chunk+0x1b6/0x4dc',
        '__memblock_reserve: [0x000000003e800000-0x000000003e7fffff] nid=-1 flags=20 memblock_alloc_range_nid+0xcd/0x161',
        '__memblock_reserve: [0x0000000000040000-0x0000000000040fff] nid=0 flags=20 memblock_alloc_range_nid+0xcd/0x161',
      ),
    ).toEqual(['0-8000', '28000-30000', '40000-41000'])
  })

  test('does not count what happens once the page allocator runs', () => {
    const late = `${log()}\nmemblock_phys_free: [0x0000000000000000-0x000000000000ffff] memblock_discard+0x1/0x2`
    expect(reservedAtEnd(late)).toEqual(reservedAtEnd(log()))
  })

  test('is not known from a log without its beginning or its end', () => {
    expect(reservedAtEnd('')).toEqual({ ok: false, error: 'the kernel log has no list of memblock.reserved (memblock=debug)' })
    expect(reservedAtEnd(log().split('\n').slice(0, -1).join('\n'))).toEqual({
      ok: false,
      error: 'the kernel log does not say when the page allocator started',
    })
  })
})
