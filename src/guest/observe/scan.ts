import { setImmediate as nextTurn } from 'node:timers/promises'
import { PAGE_SIZE, MiB } from '../../shared/units.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'

export interface ScanOptions {
  /** First four bytes, as they lie in memory, of the pages worth a look. */
  readonly starts: readonly Uint8Array[]
  /** Called for each such page, in no order; true ends the scan. The bytes are only lent: they change after the call. */
  readonly visit: (address: number, page: Uint8Array) => boolean
  /** Called before a chunk is read, where memory has to be made readable first. */
  readonly before?: (start: number, length: number) => Promise<void>
  /** Called with each chunk as a whole; the bytes are only lent. */
  readonly inspect?: (start: number, chunk: Uint8Array) => void
  /** Bytes done and bytes in all; called once per chunk. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ScanResult {
  /** False when a visitor ended the scan before all of RAM was seen. */
  readonly complete: boolean
  readonly bytesRead: number
}

const CHUNK = 2 * MiB

/**
 * Looks at the first four bytes of every page of RAM. Reads large chunks and yields to the event loop between them, so
 * that a guest of many GiB does not stop the lab. What KHO allocates at boot is met early: memblock (top-down on x86)
 * gives out the top of RAM or of a node, the buddy allocator at first the bottom of a zone, and zones and nodes begin and
 * end where RAM does or at a round address. So chunks are taken in the order of their distance from such a place.
 */
export async function scanPages(memory: PhysMemory, options: ScanOptions): Promise<ScanResult> {
  const words = options.starts.map((start) => new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true))
  const chunks = chunksOf(memory)
  const total = chunks.reduce((sum, { length }) => sum + length, 0)
  const buffer = new Uint8Array(CHUNK)
  let done = 0
  for (const { start, length } of chunks) {
    options.signal?.throwIfAborted()
    await options.before?.(start, length)
    const bytes = readChunk(memory, start, buffer.subarray(0, length))
    done += length
    if (bytes !== undefined) options.inspect?.(start, bytes)
    if (bytes !== undefined && visitChunk(start, bytes, words, options.visit)) return { complete: false, bytesRead: done }
    options.onProgress?.(done, total)
    await nextTurn()
  }
  return { complete: true, bytesRead: done }
}

/** Into the same buffer again and again where the memory can: fresh ones cost more than reading does. */
function readChunk(memory: PhysMemory, start: number, buffer: Uint8Array): Uint8Array | undefined {
  if (memory.readInto === undefined) return memory.read(start, buffer.length)
  return memory.readInto(start, buffer) ? buffer : undefined
}

interface Chunk {
  readonly start: number
  readonly length: number
  /** Bytes to the nearest place where a zone or a node is likely to begin or end. */
  readonly distance: number
}

const ROUND = 512 * MiB

function chunksOf(memory: PhysMemory): Chunk[] {
  const chunks = memory.ranges.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / CHUNK) }, (_unused, index) => {
      const from = start + index * CHUNK
      const to = Math.min(from + CHUNK, end)
      return {
        start: from,
        length: to - from,
        distance: Math.min(from - start, from % ROUND, end - to, (ROUND - (to % ROUND)) % ROUND),
      }
    }),
  )
  return chunks.sort((a, b) => a.distance - b.distance)
}

function visitChunk(start: number, chunk: Uint8Array, words: readonly number[], visit: ScanOptions['visit']): boolean {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  for (let offset = chunk.length - PAGE_SIZE; offset >= 0; offset -= PAGE_SIZE) {
    if (!words.includes(view.getUint32(offset, true))) continue
    if (visit(start + offset, chunk.subarray(offset, offset + PAGE_SIZE))) return true
  }
  return false
}
