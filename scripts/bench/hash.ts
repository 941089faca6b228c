import { randomFillSync } from 'node:crypto'
import { writeSync } from 'node:fs'
import { hashRecords } from '../../src/guest/observe/record-hashes.ts'
import { chooseRamDirectory, guestMemory, hostRoom, openRamFiles } from '../../src/guest/qemu/ram.ts'
import { GiB, MiB, hex } from '../../src/shared/units.ts'

const SIZE = GiB
const ORDER = 9
const FOLIO = 2 * MiB

/** Milliseconds of each time that 1 GiB of guest RAM, as 512 folios of order 9, is hashed as it is before and after a kexec. */
export async function hashTime(runs: number): Promise<number[]> {
  const ram = openRamFiles([SIZE], chooseRamDirectory(SIZE, await hostRoom()))
  try {
    const fd = ram.fds[0] ?? NaN
    const bytes = new Uint8Array(FOLIO)
    for (let at = 0; at < SIZE; at += FOLIO) writeSync(fd, randomFillSync(bytes), 0, FOLIO, at)
    const memory = guestMemory([{ start: 0, end: SIZE, backend: 'ram', offset: 0 }], new Map([['ram', fd]]))
    const records = Array.from({ length: SIZE / FOLIO }, (_unused, index) => ({ start: hex(index * FOLIO), order: ORDER }))
    return Array.from({ length: runs }, () => {
      const started = performance.now()
      const hashed = hashRecords(memory, records)
      const time = performance.now() - started
      if (!hashed.ok || new Set(hashed.value.map(({ digest }) => digest)).size !== records.length)
        throw new Error('folios of different content have no digests of their own')
      return time
    })
  } finally {
    ram.close()
  }
}
