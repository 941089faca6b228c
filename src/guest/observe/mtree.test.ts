import { expect, test } from 'vitest'
import { parseMtree, ramRanges } from './mtree.ts'

/** `info mtree -f` of QEMU 7.2.22, -machine pc,memory-backend=ram0 -m 4G, after SeaBIOS ran; the views of I/O left out. */
const PC_4G = `FlatView #0\r
 AS "memory", root: system\r
 AS "cpu-memory-0", root: system\r
 Root memory region: system\r
  0000000000000000-00000000000c2fff (prio 0, ram): ram0\r
  00000000000c3000-00000000000e7fff (prio 0, rom): ram0 @00000000000c3000\r
  00000000000e8000-00000000000effff (prio 0, ram): ram0 @00000000000e8000\r
  00000000000f0000-00000000000fffff (prio 0, rom): ram0 @00000000000f0000\r
  0000000000100000-00000000bfffffff (prio 0, ram): ram0 @0000000000100000\r
  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios\r
  0000000100000000-000000013fffffff (prio 0, ram): ram0 @00000000c0000000\r
\r
FlatView #1\r
 AS "cpu-smm-0", root: memory\r
 Root memory region: memory\r
  0000000000000000-00000000000fffff (prio 0, ram): ram0\r
`

test('RAM of a 4 GiB pc: two blocks, the BIOS not among them', () => {
  expect(parseMtree(PC_4G, new Set(['ram0']))).toEqual({
    ok: true,
    value: [
      { start: 0, end: 0xc0000000, backend: 'ram0', offset: 0 },
      { start: 0x100000000, end: 0x140000000, backend: 'ram0', offset: 0xc0000000 },
    ],
  })
})

test('nodes that touch are two blocks and one range', () => {
  const text = `FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000000000000000-000000001fffffff (prio 0, ram): node0
  0000000020000000-000000003fffffff (prio 0, ram): node1 KVM
`
  const parsed = parseMtree(text, new Set(['node0', 'node1']))
  expect(parsed).toEqual({
    ok: true,
    value: [
      { start: 0, end: 0x20000000, backend: 'node0', offset: 0 },
      { start: 0x20000000, end: 0x40000000, backend: 'node1', offset: 0 },
    ],
  })
  expect(parsed.ok && ramRanges(parsed.value)).toEqual([{ start: 0, end: 0x40000000 }])
})

test('says so when there is no RAM or when it overlaps', () => {
  expect(parseMtree(PC_4G, new Set(['other']))).toEqual({ ok: false, error: 'info mtree: no RAM in the address space "memory"' })
  expect(parseMtree('', new Set(['ram0']))).toEqual({ ok: false, error: 'info mtree: no RAM in the address space "memory"' })
  const overlapping = PC_4G.replace('0000000100000000-', '00000000b0000000-')
  expect(parseMtree(overlapping, new Set(['ram0']))).toEqual({
    ok: false,
    error: 'info mtree: "00000000b0000000-000000013fffffff (prio 0, ram): ram0 @00000000c0000000" overlaps the block before it',
  })
})
