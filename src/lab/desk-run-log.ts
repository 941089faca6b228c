import type { RunEvent } from '../shared/contract.ts'

/** Serial text kept for pages that come later, in UTF-16 units. The whole log is in the run's folder. */
export const SERIAL_TAIL_LIMIT = 4 * 1024 * 1024
/** Largest serial text that one event carries. */
export const SERIAL_CHUNK_LIMIT = 256 * 1024

/**
 * What happened in one run, in order, for replay. Everything is kept but serial output, of which only the tail is:
 * a guest that prints without end must not fill the lab's memory.
 */
export class RunLog {
  readonly #tailLimit: number
  #entries: RunEvent[] = []
  #serialLength = 0
  #dropped = 0

  constructor(tailLimit: number = SERIAL_TAIL_LIMIT) {
    this.#tailLimit = tailLimit
  }

  add(event: RunEvent): void {
    if (event.type !== 'serial') {
      this.#entries.push(event)
      return
    }
    this.#serialLength += event.text.length
    this.#entries.push(event)
    if (this.#serialLength > this.#tailLimit * 1.25) this.#trim()
  }

  /** A copy; the first serial event says how much was left out, when something was. */
  events(): readonly RunEvent[] {
    if (this.#dropped === 0) return [...this.#entries]
    const notice: RunEvent = {
      type: 'serial',
      text: `[${this.#dropped} earlier characters are not shown here; serial.log in the run folder has all]\r\n`,
    }
    const first = this.#entries.findIndex((entry) => entry.type === 'serial')
    return first < 0 ? [...this.#entries, notice] : this.#entries.toSpliced(first, 0, notice)
  }

  /** Drops the oldest serial text until the tail fits. Runs once per quarter of the limit, so adding stays cheap. */
  #trim(): void {
    let surplus = this.#serialLength - this.#tailLimit
    this.#dropped += surplus
    this.#serialLength = this.#tailLimit
    const kept: RunEvent[] = []
    for (const entry of this.#entries) {
      if (entry.type !== 'serial' || surplus === 0) {
        kept.push(entry)
      } else if (entry.text.length > surplus) {
        kept.push({ type: 'serial', text: entry.text.slice(surplus) })
        surplus = 0
      } else {
        surplus -= entry.text.length
      }
    }
    this.#entries = kept
  }
}
