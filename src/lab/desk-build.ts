import type { EventName, EventPayload } from '../shared/contract.ts'
import type { ImageManifest } from '../shared/documents/index.ts'
import type { DeskDependencies } from './desk-use-cases.ts'
import { wireError } from './desk-runs.ts'

type Emit = <K extends EventName>(name: K, payload: EventPayload<K>) => void

/** The one build of a guest image that can go on; every page that asks meanwhile gets the same. */
export class DeskBuild {
  readonly #build: DeskDependencies['buildImage']
  readonly #emit: Emit
  #running: { readonly result: Promise<ImageManifest>; readonly abort: AbortController } | undefined

  constructor(build: DeskDependencies['buildImage'], emit: Emit) {
    this.#build = build
    this.#emit = emit
  }

  get goesOn(): boolean {
    return this.#running !== undefined
  }

  start(): Promise<ImageManifest> {
    if (this.#running) return this.#running.result
    const abort = new AbortController()
    const result = this.#follow(abort.signal)
    this.#running = { result, abort }
    return result
  }

  /** False where none goes on. */
  cancel(): boolean {
    this.#running?.abort.abort()
    return this.#running !== undefined
  }

  async #follow(signal: AbortSignal): Promise<ImageManifest> {
    try {
      const manifest = await this.#build({ signal, onProgress: (progress) => this.#emit('image:progress', progress) })
      this.#emit('image:ended', { release: manifest.kernelRelease })
      return manifest
    } catch (error) {
      this.#emit('image:ended', { error: wireError(error) })
      throw error
    } finally {
      this.#running = undefined
    }
  }
}
