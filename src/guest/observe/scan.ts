import { setImmediate as nextTurn } from 'node:timers/promises'
import { PAGE_SIZE, MiB } from '../../shared/units.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'

export interface ScanOptions {
  /** First four bytes, as they lie in memory, of the pages worth a look. */
  readonly starts: readonly Uint8Array[]
  /** Called for each such page, in no order; true ends the scan. */
  readonly visit: (address: number, page: Uint8Array) => boolean
  /** Bytes done and bytes in all; called once per chunk. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface ScanResult {
  /** False when a visitor ended the scan before all of RAM was seen. */
  readonly complete: boolean
  readonly bytesRead: number
}

const CHUNK = 4 * MiB

/**
 * Looks at the first four bytes of every page of RAM. Reads large chunks and yields to the event loop between them, so
 * that a guest of many GiB does not stop the lab. From both ends inwards: what memblock (top-down on x86) allocated lies
 * high, the first pages that the buddy allocator gave out lie low, so what KHO allocates at boot is met early.
 */
export async function scanPages(memory: PhysMemory, options: ScanOptions): Promise<ScanResult> {
  const words = options.starts.map((start) => new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true))
  const chunks = bothEnds(chunksOf(memory))
  const total = chunks.reduce((sum, { length }) => sum + length, 0)
  let done = 0
  for (const { start, length } of chunks) {
    options.signal?.throwIfAborted()
    const bytes = memory.read(start, length)
    done += length
    if (bytes !== undefined && visitChunk(start, bytes, words, options.visit)) return { complete: false, bytesRead: done }
    options.onProgress?.(done, total)
    await nextTurn()
  }
  return { complete: true, bytesRead: done }
}

interface Chunk {
  readonly start: number
  readonly length: number
}

const chunksOf = (memory: PhysMemory): Chunk[] =>
  memory.ranges.flatMap(({ start, end }) =>
    Array.from({ length: Math.ceil((end - start) / CHUNK) }, (_unused, index) => {
      const from = start + index * CHUNK
      return { start: from, length: Math.min(CHUNK, end - from) }
    }))

/** First, last, second, last but one, … */
const bothEnds = <T>(items: readonly T[]): T[] => {
  const half = Math.ceil(items.length / 2)
  const back = items.slice(half).reverse()
  return items.slice(0, half).flatMap((item, index) => [item, ...back.slice(index, index + 1)])
}

function visitChunk(start: number, chunk: Uint8Array, words: readonly number[], visit: ScanOptions['visit']): boolean {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  for (let offset = chunk.length - PAGE_SIZE; offset >= 0; offset -= PAGE_SIZE) {
    if (!words.includes(view.getUint32(offset, true))) continue
    if (visit(start + offset, chunk.subarray(offset, offset + PAGE_SIZE))) return true
  }
  return false
}
