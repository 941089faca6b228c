import { setImmediate as nextTurn } from 'node:timers/promises'
import { PAGE_SIZE, MiB } from '../../shared/units.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'

export interface ScanOptions {
  /** First four bytes, as they lie in memory, of the pages worth a look. */
  readonly starts: readonly Uint8Array[]
  /** Called for each such page, highest address first; true ends the scan. */
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
 * that a guest of many GiB does not stop the lab. From the top down: memblock (top-down on x86) and the buddy allocator's
 * first pages both lie high, so what KHO allocates at boot is met early.
 */
export async function scanPages(memory: PhysMemory, options: ScanOptions): Promise<ScanResult> {
  const words = options.starts.map((start) => new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true))
  const total = memory.ranges.reduce((sum, range) => sum + range.end - range.start, 0)
  let done = 0
  for (const range of memory.ranges.toReversed()) {
    for (let end = range.end; end > range.start; ) {
      const start = Math.max(range.start, end - CHUNK)
      options.signal?.throwIfAborted()
      const chunk = memory.read(start, end - start)
      if (chunk !== undefined && visitChunk(start, chunk, words, options.visit)) return { complete: false, bytesRead: done + end - start }
      done += end - start
      end = start
      options.onProgress?.(done, total)
      await nextTurn()
    }
  }
  return { complete: true, bytesRead: done }
}

function visitChunk(start: number, chunk: Uint8Array, words: readonly number[], visit: ScanOptions['visit']): boolean {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  for (let offset = chunk.length - PAGE_SIZE; offset >= 0; offset -= PAGE_SIZE) {
    if (!words.includes(view.getUint32(offset, true))) continue
    if (visit(start + offset, chunk.subarray(offset, offset + PAGE_SIZE))) return true
  }
  return false
}
