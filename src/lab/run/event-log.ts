import type { RunEvent } from '../../shared/contract.ts'
import type { KeptEvent, RunEvents } from '../../shared/documents/index.ts'

/** The document's name in the folder of a run. */
export const EVENTS_FILE = 'events.json'
/** Kept of the beginning, and as many of the end: a guest that resets without end must not fill the disk. */
const EVENTS_KEPT = 1000
const TEXT_KEPT = 2000

/** Steps, phases and QEMU events of a run as they happen, each with its time. */
export class EventLog {
  readonly #now: () => number
  readonly #began: number
  readonly #first: KeptEvent[] = []
  #last: KeptEvent[] = []
  #leftOut = 0

  /** `now` in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#began = now()
  }

  /** The same event with its time in the run, where it is one that is kept. */
  stamped(event: RunEvent): RunEvent {
    const at = Math.round(this.#now() - this.#began)
    switch (event.type) {
      case 'step':
        this.#keep({ type: 'step', at, hop: event.hop, text: event.text.slice(0, TEXT_KEPT) })
        return { ...event, at }
      case 'qemu':
        this.#keep({ type: 'qemu', at, event: event.event, data: event.data.slice(0, TEXT_KEPT) })
        return { ...event, at }
      case 'phase':
        this.#keep({ ...event, ms: Math.round(event.ms), at })
        return event
      case 'predicted':
      case 'started':
      case 'serial':
      case 'held':
      case 'finished':
      case 'failed':
        return event
    }
  }

  document(): RunEvents {
    const surplus = Math.max(0, this.#last.length - EVENTS_KEPT)
    return {
      document: 'kho-lab/run-events',
      version: 1,
      events: [...this.#first, ...this.#last.slice(surplus)],
      leftOut: this.#leftOut + surplus,
    }
  }

  #keep(event: KeptEvent): void {
    if (this.#first.length < EVENTS_KEPT) {
      this.#first.push(event)
      return
    }
    this.#last.push(event)
    if (this.#last.length < 2 * EVENTS_KEPT) return
    this.#leftOut += EVENTS_KEPT
    this.#last = this.#last.slice(EVENTS_KEPT)
  }
}
