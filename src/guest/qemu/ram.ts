import { closeSync, ftruncateSync, openSync, readSync, statfsSync, unlinkSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { insideRam, type PhysMemory } from '../../shared/phys-memory.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { MiB, formatSize } from '../../shared/units.ts'
import type { RamBlock } from '../observe/mtree.ts'
import { ramRanges } from '../observe/mtree.ts'

export interface HostRoom {
  /** Bytes that processes can still get without swapping. */
  readonly memory: number
  /** Directories for the RAM files, best first, with the bytes free in each. */
  readonly directories: readonly { readonly path: string; readonly free: number }[]
}

/** What the host has now: MemAvailable, less where a control group allows less; /dev/shm, then the directory for temporary files. */
export async function hostRoom(): Promise<HostRoom> {
  const meminfo = await readFile('/proc/meminfo', 'utf8')
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024
  const directories = ['/dev/shm', tmpdir()].flatMap((path) => {
    const free = freeBytes(path)
    return free === undefined ? [] : [{ path, free }]
  })
  // The limit, not what is left of it: a control group's use counts page cache that would be given back.
  const limit = process.constrainedMemory()
  return { memory: limit > 0 ? Math.min(available, limit) : available, directories }
}

function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch (error) {
    if (messageOf(error).startsWith('ENOENT')) return undefined
    throw error
  }
}

/** Where RAM of this size goes. Throws LabError not-enough-memory, with the numbers, when the host cannot hold it. */
export function chooseRamDirectory(size: number, room: HostRoom): string {
  const directory = room.directories.find(({ free }) => free >= size)
  if (size <= room.memory && directory) return directory.path
  const inMiB = (value: number): string => formatSize(value - (value % MiB))
  throw new LabError({
    code: 'not-enough-memory',
    message: `the machine wants ${formatSize(size)} of RAM, this host has ${inMiB(room.memory)} available`,
    hint: 'Lower machine.memory in the experiment, or end other programs on the host.',
    evidence: room.directories.map(({ path, free }) => `${path}: ${inMiB(free)} free`),
  })
}

/** The guest's RAM as files that have no name: whatever dies, nothing is left of them. */
export interface RamFiles {
  /** One per node that has memory, in node order. */
  readonly fds: readonly number[]
  close(): void
}

/** Sparse files of the given sizes. They stay readable until `close()`, also after QEMU has ended. */
export function openRamFiles(sizes: readonly number[], directory: string): RamFiles {
  const fds: number[] = []
  for (const size of sizes) {
    const path = join(directory, `kho-lab-ram-${randomBytes(8).toString('hex')}`)
    const fd = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    ftruncateSync(fd, size)
    fds.push(fd)
  }
  return { fds, close: () => fds.splice(0).forEach((fd) => closeSync(fd)) }
}

/**
 * Below 1 MiB the firmware maps its ROM over RAM and RAM over ROM as it runs (the PAM registers), so the memory tree
 * depends on the moment it is read. The file has the RAM all the same: a hole there that the next block continues is closed.
 */
export function closeFirmwareHole(blocks: readonly RamBlock[]): RamBlock[] {
  return blocks.reduce<RamBlock[]>((joined, block) => {
    const last = joined.at(-1)
    const continues = last?.backend === block.backend && last.offset - last.start === block.offset - block.start
    if (last && continues && last.end < MiB && block.start <= MiB) return [...joined.slice(0, -1), { ...last, end: block.end }]
    return [...joined, block]
  }, [])
}

/** Guest memory that the host can also change. Nobody must run in the guest meanwhile. */
export interface WritableMemory extends PhysMemory {
  /** False, with nothing written, when the bytes do not lie in one block of RAM. */
  write(address: number, bytes: Uint8Array): boolean
}

/**
 * Guest physical memory over the RAM files. `blocks` say which addresses lie where in which backend, as QEMU's memory
 * tree has them; `fds` hold the backends by name. Throws RangeError when a block names no known backend.
 */
export function guestMemory(blocks: readonly RamBlock[], fds: ReadonlyMap<string, number>): WritableMemory {
  const pieces = blocks.map((block) => {
    const fd = fds.get(block.backend)
    if (fd === undefined) throw new RangeError(`no RAM file for ${block.backend}`)
    return { ...block, fd }
  })
  const ranges = ramRanges(blocks)
  const readInto = (address: number, target: Uint8Array): boolean => {
    const { length } = target
    if (!Number.isSafeInteger(address) || !insideRam({ ranges }, address, length)) return false
    for (const piece of pieces) {
      const start = Math.max(address, piece.start)
      const end = Math.min(address + length, piece.end)
      if (
        start < end &&
        !readFully(piece.fd, target.subarray(start - address, end - address), piece.offset + start - piece.start)
      )
        return false
    }
    return true
  }
  return {
    ranges,
    readInto,
    write(address, bytes) {
      const piece = pieces.find(({ start, end }) => address >= start && address + bytes.length <= end)
      if (!Number.isSafeInteger(address) || piece === undefined) return false
      return writeSync(piece.fd, bytes, 0, bytes.length, piece.offset + address - piece.start) === bytes.length
    },
    read(address, length) {
      if (!Number.isSafeInteger(length) || length < 0 || !insideRam({ ranges }, address, length)) return undefined
      const bytes = new Uint8Array(length)
      return readInto(address, bytes) ? bytes : undefined
    },
  }
}

function readFully(fd: number, target: Uint8Array, position: number): boolean {
  let done = 0
  while (done < target.length) {
    const got = readSync(fd, target, done, Math.min(target.length - done, 1024 * MiB), position + done)
    if (got === 0) return false
    done += got
  }
  return true
}
