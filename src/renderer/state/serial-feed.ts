/** Text kept for a terminal that is opened later. */
const TAIL_LIMIT = 4 * 1024 * 1024

/** Serial output of one run between the lab and a terminal. Not reactive: it may be tens of megabytes. */
export class SerialFeed {
  #chunks: string[] = []
  #length = 0
  readonly #listeners = new Set<(text: string) => void>()

  push(text: string): void {
    this.#chunks.push(text)
    this.#length += text.length
    while (this.#length > TAIL_LIMIT && this.#chunks.length > 1) this.#length -= this.#chunks.shift()?.length ?? 0
    for (const listener of this.#listeners) listener(text)
  }

  clear(): void {
    this.#chunks = []
    this.#length = 0
  }

  /** Tells what is kept and then what comes. Returns how to stop. */
  follow(listener: (text: string) => void): () => void {
    for (const chunk of this.#chunks) listener(chunk)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }
}
