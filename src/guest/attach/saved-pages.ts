import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { insideRam, type PhysMemory } from '../../shared/phys-memory.ts'
import { LabError, messageOf } from '../../shared/result.ts'
import { PAGE_SIZE, roundDown } from '../../shared/units.ts'
import type { ReadingMonitor } from './monitor.ts'

/** Reads that a decoder may need one after the other: a tree of six levels, a root, its subtrees, and chains behind them. */
const MAX_ROUNDS = 600
/** Pages fetched at a time when they lie side by side. */
const RUN_PAGES = 256
/** 256 MiB of single pages; a decoder that wants more follows what no kernel wrote. */
const MAX_PAGES = 65_536

/**
 * Guest memory by pmemsave: QEMU copies a stretch into a file, the lab reads the file and removes it. Reading is synchronous,
 * so a page that is not there yet is noted and answered as outside RAM; {@link settle} fetches what was noted and asks again.
 */
export class SavedPages implements PhysMemory {
  readonly ranges: PhysMemory['ranges']
  readonly #monitor: ReadingMonitor
  readonly #directory: string
  readonly #pages = new Map<number, Uint8Array>()
  readonly #missing = new Set<number>()
  #window: { readonly start: number; readonly bytes: Uint8Array } | undefined

  private constructor(monitor: ReadingMonitor, ranges: PhysMemory['ranges'], directory: string) {
    this.#monitor = monitor
    this.ranges = ranges
    this.#directory = directory
  }

  /** `uid`: whom QEMU runs as, where it is known: the directory for its files is given to it when the lab may do that. */
  static async open(monitor: ReadingMonitor, ranges: PhysMemory['ranges'], uid?: number): Promise<SavedPages> {
    const directory = await mkdtemp(join(tmpdir(), 'kho-lab-pages-'))
    if (uid !== undefined && uid !== process.getuid?.() && process.getuid?.() === 0) await chown(directory, uid, -1)
    return new SavedPages(monitor, ranges, directory)
  }

  read(address: number, length: number): Uint8Array | undefined {
    if (!Number.isSafeInteger(length) || length < 0 || !insideRam(this, address, length)) return undefined
    const bytes = new Uint8Array(length)
    let complete = true
    for (let page = roundDown(address, PAGE_SIZE); page < address + length; page += PAGE_SIZE) {
      const content = this.#page(page)
      if (content === undefined) {
        this.#missing.add(page)
        complete = false
        continue
      }
      const from = Math.max(address, page)
      bytes.set(content.subarray(from - page, Math.min(address + length, page + PAGE_SIZE) - page), from - address)
    }
    return complete ? bytes : undefined
  }

  /** Makes [start, start + length) readable until the next call; for searching, which visits every page once. */
  async load(start: number, length: number): Promise<void> {
    this.#window = { start, bytes: await this.#save(start, length) }
  }

  /** What `read` answers once every page that it asks for is there. */
  async settle<T>(read: () => T): Promise<T> {
    for (let round = 0; ; round++) {
      this.#missing.clear()
      const value = read()
      if (this.#missing.size === 0 || round === MAX_ROUNDS || this.#pages.size + this.#missing.size > MAX_PAGES) return value
      for (const { start, length } of runsOf([...this.#missing].sort((a, b) => a - b))) {
        const bytes = await this.#save(start, length)
        for (let at = 0; at < length; at += PAGE_SIZE) this.#pages.set(start + at, bytes.subarray(at, at + PAGE_SIZE))
      }
    }
  }

  /** Forgets every page, so that the next reads see what the guest has written since. */
  refresh(): void {
    this.#pages.clear()
    this.#window = undefined
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  #page(page: number): Uint8Array | undefined {
    const window = this.#window
    if (window !== undefined && page >= window.start && page + PAGE_SIZE <= window.start + window.bytes.length)
      return window.bytes.subarray(page - window.start, page - window.start + PAGE_SIZE)
    return this.#pages.get(page)
  }

  async #save(start: number, length: number): Promise<Uint8Array> {
    const file = join(this.#directory, 'pages')
    try {
      await this.#monitor.execute('pmemsave', { val: start, size: length, filename: file })
      const bytes = await readFile(file)
      if (bytes.length !== length) throw new Error(`it has ${bytes.length} bytes instead of ${length}`)
      return bytes
    } catch (error) {
      throw new LabError(
        {
          code: 'ram-unreadable',
          message: `QEMU did not write guest memory to ${file}: ${messageOf(error)}`,
          hint: 'QEMU must be able to write there: it may run as another user, in a container or under a security module. Set TMPDIR, or attach by --pid as its user.',
        },
        { cause: error },
      )
    }
  }
}

/** Neighbouring pages together, {@link RUN_PAGES} at most. `pages` ascend. */
function runsOf(pages: readonly number[]): { readonly start: number; readonly length: number }[] {
  const runs: { start: number; length: number }[] = []
  for (const page of pages) {
    const last = runs.at(-1)
    if (last !== undefined && last.start + last.length === page && last.length < RUN_PAGES * PAGE_SIZE) last.length += PAGE_SIZE
    else runs.push({ start: page, length: PAGE_SIZE })
  }
  return runs
}
