import { readdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { GiB, MiB } from '../../shared/units.ts'
import type { RamBlock } from '../observe/mtree.ts'
import { chooseRamDirectory, closeFirmwareHole, guestMemory, hostRoom, openRamFiles } from './ram.ts'

const block = (start: number, end: number, backend: string, offset: number): RamBlock => ({ start, end, backend, offset })

describe('guestMemory', () => {
  it('reads addresses on both sides of the PCI hole and across nodes, and nothing outside RAM', () => {
    const files = openRamFiles([3 * MiB, MiB], tmpdir())
    const [first = -1, second = -1] = files.fds
    const blocks = [
      block(0, 2 * MiB, 'ram0', 0),
      block(4 * GiB, 4 * GiB + MiB, 'ram0', 2 * MiB),
      block(4 * GiB + MiB, 4 * GiB + 2 * MiB, 'ram1', 0),
    ]
    const memory = guestMemory(
      blocks,
      new Map([
        ['ram0', first],
        ['ram1', second],
      ]),
    )
    writeSync(first, Buffer.from('low'), 0, 3, 2 * MiB - 3)
    writeSync(first, Buffer.from('end of node 0'), 0, 13, 3 * MiB - 13)
    writeSync(second, Buffer.from(', node 1'), 0, 8, 0)
    expect(memory.ranges).toEqual([
      { start: 0, end: 2 * MiB },
      { start: 4 * GiB, end: 4 * GiB + 2 * MiB },
    ])
    expect(Buffer.from(memory.read(2 * MiB - 3, 3) ?? []).toString()).toBe('low')
    expect(Buffer.from(memory.read(4 * GiB + MiB - 13, 21) ?? []).toString()).toBe('end of node 0, node 1')
    expect(memory.read(0, 4)).toEqual(new Uint8Array(4))
    for (const [address, length] of [
      [2 * MiB - 1, 2],
      [3 * GiB, 1],
      [4 * GiB + 2 * MiB, 1],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Infinity],
      [2 ** 60, 8],
    ] as const) {
      expect(memory.read(address, length)).toBeUndefined()
    }
    files.close()
  })

  it('closes the hole that the firmware makes below 1 MiB, and no other', () => {
    const raw = [
      block(0, 0xc0000, 'ram0', 0),
      block(MiB, 2 * GiB, 'ram0', MiB),
      block(4 * GiB, 5 * GiB, 'ram0', 2 * GiB),
      block(5 * GiB, 6 * GiB, 'ram1', 0),
    ]
    expect(closeFirmwareHole(raw)).toEqual([block(0, 2 * GiB, 'ram0', 0), raw[2], raw[3]])
  })

  it('knows every backend it is asked for', () => {
    expect(() => guestMemory([block(0, 1, 'other', 0)], new Map())).toThrow('no RAM file for other')
  })
})

describe('RAM files', () => {
  it('have no name', () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kho-lab-ram'))
    const files = openRamFiles([64 * GiB], tmpdir())
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('kho-lab-ram'))).toEqual(before)
    files.close()
    expect(files.fds).toEqual([])
  })
})

describe('chooseRamDirectory', () => {
  const room = {
    memory: 8 * GiB,
    directories: [
      { path: '/dev/shm', free: 2 * GiB },
      { path: '/tmp', free: 100 * GiB },
    ],
  }

  it('takes the first directory with room', () => {
    expect(chooseRamDirectory(2 * GiB, room)).toBe('/dev/shm')
    expect(chooseRamDirectory(4 * GiB, room)).toBe('/tmp')
  })

  it('says what the host has when that is not enough', () => {
    expect(() => chooseRamDirectory(16 * GiB, room)).toThrow('the machine wants 16 GiB of RAM, this host has 8 GiB available')
    expect(() => chooseRamDirectory(4 * GiB, { ...room, directories: room.directories.slice(0, 1) })).toThrow(
      'the machine wants 4 GiB',
    )
  })

  it('reads the numbers of this host', async () => {
    const { memory, directories } = await hostRoom()
    expect(memory).toBeGreaterThan(0)
    expect(directories.map(({ path }) => path)).toContain(tmpdir())
  })
})
