import { expect, it } from 'vitest'
import { GiB } from '../shared/units.ts'
import { smbiosLength } from './smbios.ts'

// Structure table length in the _SM_ entry point that QEMU 7.2.22 and its SeaBIOS left in guest memory.
it.each([
  ['q35', 1, 1, 376],
  ['pc', 1, 2, 456],
  ['q35', 1, 3, 506],
  ['q35', 1, 4, 571],
  ['q35', 10, 5, 669],
] as const)('%s with %d GiB and %d sockets has %d bytes of SMBIOS tables', (type, memory, sockets, length) => {
  expect(smbiosLength({ type, memory: memory * GiB, sockets, ramSpans: memory > 3 ? 2 : 1 })).toBe(length)
})
