import { expect, it } from 'vitest'
import { parseMaps } from './process-maps.ts'

it('reads lines as the kernel prints them, and leaves out what is none', () => {
  const text = [
    '7f85dbc00000-7f85e3c00000 rw-p 00000000 00:00 0 ',
    '7f85e3fff000-7f85ebfff000 rw-s 00001000 00:01 1488                       /memfd:memory-backend-memfd (deleted)',
    '563b9604a000-563b963f3000 r--p 00de3000 fe:00 2174331                    /usr/bin/qemu-system-x86_64',
    'not a line',
    '',
  ].join('\n')
  expect(parseMaps(text)).toEqual([
    { start: 0x7f85dbc00000, end: 0x7f85e3c00000, shared: false, writable: true, offset: 0, device: '00:00', inode: 0 },
    { start: 0x7f85e3fff000, end: 0x7f85ebfff000, shared: true, writable: true, offset: 0x1000, device: '00:01', inode: 1488 },
    {
      start: 0x563b9604a000,
      end: 0x563b963f3000,
      shared: false,
      writable: false,
      offset: 0xde3000,
      device: 'fe:00',
      inode: 2174331,
    },
  ])
})
