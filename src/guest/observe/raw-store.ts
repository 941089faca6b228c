import type { Blob } from '../../shared/documents/index.ts'

/** Keeps the bytes that observing read. Whoever runs the experiment decides where. */
export interface RawStore {
  /**
   * Keeps `bytes` under `name` (segments joined by `/`, relative) and answers with size, hash, the bytes as hexadecimal
   * when they are few, and the file. Any name is taken: what a file name cannot hold is written in another way.
   */
  put(name: string, bytes: Uint8Array): Blob
}
