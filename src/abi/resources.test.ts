import { describe, expect, test } from 'vitest'
import { parseFirmwareMemmap } from './firmware-memmap.ts'
import { parseIomem } from './iomem.ts'

describe('/proc/iomem', () => {
  test('ranges with exclusive ends, nested by two spaces', () => {
    expect(
      parseIomem(
        [
          '00000000-00000fff : Reserved',
          '00100000-3ffdffff : System RAM',
          '  3c800000-3cc0a2cf : Kernel code',
          'b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]',
          '  fd00000000-ffffffffff : Reserved : again',
          '',
        ].join('\n'),
      ),
    ).toEqual({
      ok: true,
      value: [
        { start: 0, end: 0x1000, name: 'Reserved', depth: 0 },
        { start: 0x100000, end: 0x3ffe0000, name: 'System RAM', depth: 0 },
        { start: 0x3c800000, end: 0x3cc0a2d0, name: 'Kernel code', depth: 1 },
        { start: 0xb0000000, end: 0xc0000000, name: 'PCI ECAM 0000 [bus 00-ff]', depth: 0 },
        { start: 0xfd00000000, end: 0x10000000000, name: 'Reserved : again', depth: 1 },
      ],
    })
  })

  test.each([
    [
      '00000000-00000000 : Reserved\n  00000000-00000000 : Kernel code',
      '/proc/iomem shows only zero addresses: it was read without CAP_SYS_ADMIN',
    ],
    ['hello', 'not a line of /proc/iomem: hello'],
    ['00002000-00000fff : backwards', 'not a range of physical memory: 00002000-00000fff : backwards'],
    ['00000000-ffffffffffffffff : all', 'not a range of physical memory: 00000000-ffffffffffffffff : all'],
  ])('%s', (text, error) => {
    expect(parseIomem(text)).toEqual({ ok: false, error })
  })
})

describe('/sys/firmware/memmap', () => {
  const files = (entries: Record<string, string>): { path: string; text: string }[] =>
    Object.entries(entries).map(([path, text]) => ({ path: `/sys/firmware/memmap/${path}`, text }))

  test('entries by number, not by text, with exclusive ends', () => {
    expect(
      parseFirmwareMemmap([
        ...files({ '10/type': 'Reserved\n', '10/start': '0xfd00000000\n', '10/end': '0xffffffffff\n' }),
        ...files({ '9/start': '0x0\n', '9/end': '0x9fbff\n', '9/type': 'System RAM\n' }),
        { path: '/proc/iomem', text: 'other' },
      ]),
    ).toEqual({
      ok: true,
      value: [
        { start: 0, end: 0x9fc00, type: 'System RAM' },
        { start: 0xfd00000000, end: 0x10000000000, type: 'Reserved' },
      ],
    })
  })

  test.each([
    [{}, '/sys/firmware/memmap has no entries'],
    [{ '0/start': '0x0', '0/end': '0xfff' }, '/sys/firmware/memmap/0 lacks start, end or type'],
    [{ '0/start': '0', '0/end': '0xfff', '0/type': 'x' }, '/sys/firmware/memmap/0 has no addresses: 0, 0xfff'],
    [
      { '3/start': '0x2000', '3/end': '0xfff', '3/type': 'x' },
      '/sys/firmware/memmap/3 is no range of physical memory: 0x2000 to 0xfff',
    ],
    [
      { '3/start': '0x0', '3/end': '0xffffffffffffffff', '3/type': 'x' },
      '/sys/firmware/memmap/3 is no range of physical memory: 0x0 to 0xffffffffffffffff',
    ],
  ])('%o', (entries, error) => {
    expect(parseFirmwareMemmap(files(entries))).toEqual({ ok: false, error })
  })
})
