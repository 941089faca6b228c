import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BLOB_INLINE_LIMIT, type Blob } from '../../shared/documents/index.ts'
import type { RawStore } from '../../guest/observe/raw-store.ts'

export interface RawEntry {
  readonly file: string
  readonly size: number
  readonly sha256: string
}

const MAX_SEGMENT = 120

/**
 * Keeps captures below raw/ of a run folder. Names may come from a guest, so whatever a plain file name cannot hold
 * becomes `%xx`, and a name that is taken gets `~2`, `~3`, … Writing goes on beside the run; {@link flush} waits for it.
 */
export class FolderRawStore implements RawStore {
  readonly #directory: string
  readonly #entries = new Map<string, RawEntry>()
  readonly #folders = new Set<string>()
  readonly #made = new Map<string, Promise<unknown>>()
  readonly #writes: Promise<unknown>[] = []

  constructor(runDirectory: string) {
    this.#directory = runDirectory
  }

  put(name: string, bytes: Uint8Array): Blob {
    const segments = name
      .split('/')
      .filter((part) => part !== '')
      .map(safeSegment)
    const file = this.#freeName(segments.length === 0 ? ['unnamed'] : segments)
    const entry = { file, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    this.#entries.set(file, entry)
    const write = this.#write(file, Buffer.from(bytes))
    // The failure is reported by flush(); until then it must not count as unhandled.
    write.catch(() => undefined)
    this.#writes.push(write)
    return { ...entry, ...(bytes.length <= BLOB_INLINE_LIMIT ? { hex: Buffer.from(bytes).toString('hex') } : {}) }
  }

  /** Every capture so far, by file name. */
  entries(): readonly RawEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.file < b.file ? -1 : 1))
  }

  /** Waits until everything is on disk. Rejects with the first error that writing met. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes)
  }

  /** A folder's segment steps aside for a file of that name, the last segment for files and folders. */
  #freeName(segments: readonly string[]): string {
    return segments.reduce((path, segment, index) => {
      const last = index === segments.length - 1
      const free = (name: string) => !this.#entries.has(name) && !(last && this.#folders.has(name))
      let name = `${path}/${segment}`
      for (let number = 2; !free(name); number++) name = `${path}/${segment}~${number}`
      if (!last) this.#folders.add(name)
      return name
    }, 'raw')
  }

  async #write(file: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, file)
    const folder = dirname(path)
    const made = this.#made.get(folder) ?? mkdir(folder, { recursive: true })
    this.#made.set(folder, made)
    await made
    await writeFile(path, bytes)
  }
}

function safeSegment(segment: string): string {
  const plain = segment.replaceAll(/[^A-Za-z0-9._@+-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  const shown = plain === '.' || plain === '..' ? plain.replaceAll('.', '%2e') : plain
  return shown.slice(0, MAX_SEGMENT)
}
