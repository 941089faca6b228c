import type { EventPayload } from '../shared/contract.ts'
import { LabError } from '../shared/result.ts'
import type { RunControls } from './run/controls.ts'
import type { GuestShell, ShellSize } from '../guest/ssh/shell.ts'

/** Shells of all runs together: each is a process in a guest and a buffer here. */
const SHELLS_AT_ONCE = 16
/** Text kept of each shell for a page that comes later. */
const TAIL = 64 * 1024
const GATHER_MS = 25
/** More than this unsent, and the guest has to wait: 10 MB/s, which no reader follows. */
const CHUNK = 256 * 1024

interface Entry {
  readonly run: string
  readonly shell: GuestShell
  tail: string
  pending: string
  timer: ReturnType<typeof setTimeout> | undefined
}

export interface ShellEvents {
  data(payload: EventPayload<'shell:data'>): void
  closed(payload: EventPayload<'shell:closed'>): void
}

/** The shells that pages have open in guests. They outlive a page and end with their boot. */
export class DeskShells {
  readonly #events: ShellEvents
  readonly #entries = new Map<number, Entry>()
  #next = 1

  constructor(events: ShellEvents) {
    this.#events = events
  }

  async open(run: string, controls: RunControls, size: ShellSize): Promise<{ shell: number }> {
    if (this.#entries.size >= SHELLS_AT_ONCE)
      throw new LabError({ code: 'refused', message: `${SHELLS_AT_ONCE} shells are open`, hint: 'Close one of them.' })
    const id = this.#next++
    let early = ''
    const shell = await controls.shell(size, {
      onText: (text) => {
        const entry = this.#entries.get(id)
        if (entry) this.#take(id, entry, text)
        else early += text
      },
      onClosed: (reason) => this.#closed(id, reason),
    })
    const entry: Entry = { run, shell, tail: '', pending: '', timer: undefined }
    this.#entries.set(id, entry)
    if (early !== '') this.#take(id, entry, early)
    return { shell: id }
  }

  /** The shells of a run, each with the end of what it printed. */
  list(run: string): { shell: number; tail: string }[] {
    return [...this.#entries].flatMap(([shell, entry]) => {
      if (entry.run !== run) return []
      // What is gathered is in the tail: sent later it would be there twice.
      this.#send(shell, entry)
      return [{ shell, tail: entry.tail }]
    })
  }

  write(id: number, text: string): void {
    this.#of(id).shell.write(text)
  }
  resize(id: number, size: ShellSize): void {
    this.#of(id).shell.resize(size)
  }
  close(id: number): void {
    this.#of(id).shell.close()
    this.#closed(id, 'closed')
  }
  closeAll(): void {
    for (const id of [...this.#entries.keys()]) this.close(id)
  }

  #of(id: number): Entry {
    const entry = this.#entries.get(id)
    if (entry) return entry
    throw new LabError({ code: 'refused', message: 'this shell is closed', hint: 'Open another one.' })
  }

  #take(id: number, entry: Entry, text: string): void {
    entry.pending += text
    if (entry.pending.length > CHUNK) entry.shell.flow(false)
    entry.timer ??= setTimeout(() => this.#send(id, entry), GATHER_MS)
  }

  #send(id: number, entry: Entry): void {
    clearTimeout(entry.timer)
    entry.timer = undefined
    if (entry.pending === '') return
    const text = entry.pending
    entry.pending = ''
    entry.tail = (entry.tail + text).slice(-TAIL)
    this.#events.data({ shell: id, text })
    entry.shell.flow(true)
  }

  #closed(id: number, reason: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#send(id, entry)
    this.#entries.delete(id)
    this.#events.closed({ shell: id, reason })
  }
}
