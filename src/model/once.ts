/** Answers that many claims ask for and one computation gives, for as long as one prediction or its resolution takes. */
export class Once {
  readonly #answers = new Map<string, unknown>()

  /** `key` must name everything that the answer depends on. */
  get<T>(key: string, make: () => T): T {
    if (!this.#answers.has(key)) this.#answers.set(key, make())
    return this.#answers.get(key) as T
  }
}
