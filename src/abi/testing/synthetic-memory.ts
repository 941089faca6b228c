import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE } from '../../shared/units.ts'

/** Physical memory for tests and benchmarks: zero where nothing was written, and only written pages cost anything. */
export class SyntheticMemory implements PhysMemory {
  readonly ranges: PhysMemory['ranges']
  readonly #pages = new Map<number, Uint8Array>()

  constructor(ranges: PhysMemory['ranges']) {
    this.ranges = ranges
  }

  read(address: number, length: number): Uint8Array | undefined {
    if (!this.ranges.some((range) => address >= range.start && address + length <= range.end)) return undefined
    const first = this.#pages.get(address - (address % PAGE_SIZE))
    const offset = address % PAGE_SIZE
    if (first !== undefined && offset + length <= PAGE_SIZE) return first.subarray(offset, offset + length)
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length;) {
      const at = address + done
      const part = Math.min(PAGE_SIZE - (at % PAGE_SIZE), length - done)
      const page = this.#pages.get(at - (at % PAGE_SIZE))
      if (page !== undefined) bytes.set(page.subarray(at % PAGE_SIZE, (at % PAGE_SIZE) + part), done)
      done += part
    }
    return bytes
  }

  /** The page that starts at `address`, to be written to. */
  page(address: number): Uint8Array {
    const page = this.#pages.get(address) ?? new Uint8Array(PAGE_SIZE)
    this.#pages.set(address, page)
    return page
  }

  write(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = address + done
      const part = bytes.subarray(done, done + PAGE_SIZE - (at % PAGE_SIZE))
      this.page(at - (at % PAGE_SIZE)).set(part, at % PAGE_SIZE)
      done += part.length
    }
  }

  /** Addresses of all pages that were written, ascending. */
  writtenPages(): number[] {
    return [...this.#pages.keys()].sort((a, b) => a - b)
  }
}
