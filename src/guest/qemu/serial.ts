import { EventEmitter } from 'node:events'

/** A longer line is cut here; the kernel's own longest record is 1 KiB. The log file still gets every byte. */
export const LINE_LIMIT = 4096
const RING_LINES = 200

/** Cuts a byte stream into lines. Takes any bytes; holds at most {@link LINE_LIMIT} of them. */
export class LineSplitter {
  readonly #line = Buffer.alloc(LINE_LIMIT)
  #length = 0
  #dropped = 0

  /** Lines that `chunk` completes, without line ends, control characters made visible. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(10, start); end >= 0; end = chunk.indexOf(10, start)) {
      this.#append(chunk.subarray(start, end))
      lines.push(this.#take())
      start = end + 1
    }
    this.#append(chunk.subarray(start))
    return lines
  }

  /** What came since the last line end. */
  partial(): string {
    return printable(this.#line.subarray(0, this.#length))
  }

  #append(bytes: Uint8Array): void {
    const room = LINE_LIMIT - this.#length
    const kept = bytes.subarray(0, room)
    this.#line.set(kept, this.#length)
    this.#length += kept.length
    this.#dropped += bytes.length - kept.length
  }

  #take(): string {
    const text = this.partial() + (this.#dropped > 0 ? ` [${this.#dropped} bytes more]` : '')
    this.#length = 0
    this.#dropped = 0
    return text
  }
}

/** Text for people: escape sequences and carriage returns removed, other control characters as `\x1b`, bad UTF-8 as U+FFFD. */
function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .replace(/\r/g, '')
    .replace(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
}

export interface Trouble {
  /** panic: this kernel does not go on. oops: it may. out-of-memory: it does, without a process. */
  readonly kind: 'panic' | 'oops' | 'out-of-memory'
  readonly text: string
}

const STAMP = /^(?:\[[ \d.]+\](?:\[[ CT\d]+\])? ?)?/

/**
 * What the kernel prints when it fails: panic() in kernel/panic.c, early_fixup_exception() in arch/x86/mm/extable.c,
 * error() in arch/x86/boot/compressed/error.c; oopses as die() and the fault handlers print them; __oom_kill_process() in mm/oom_kill.c.
 * Only at the start of a record, so that user space talking about a panic is no panic.
 */
export function recogniseTrouble(line: string): Trouble | undefined {
  const text = line.replace(STAMP, '')
  if (/^(Kernel panic - not syncing: |PANIC: early exception | *-- System halted)/.test(text))
    return { kind: 'panic', text: text.trim() }
  if (/^(BUG: |Oops: |kernel BUG at |general protection fault|double fault: |Unable to handle kernel )/.test(text)) {
    return { kind: 'oops', text: text.trim() }
  }
  if (/^Out of memory: Killed process \d+ \(/.test(text)) return { kind: 'out-of-memory', text: text.trim() }
  return undefined
}

/** The last line of panic(): nothing more will come. */
export const isPanicEnd = (line: string): boolean => line.includes('---[ end Kernel panic')

/** The guest's console: every byte to the sink, lines to the listeners, the last ones kept as evidence. */
export class ConsoleCapture extends EventEmitter<{ first: []; data: [string]; line: [string]; trouble: [Trouble] }> {
  readonly #splitter = new LineSplitter()
  readonly #decoder = new TextDecoder()
  readonly #ring: string[] = []
  readonly #sink: (chunk: Uint8Array) => void
  #bytes = 0

  constructor(sink: (chunk: Uint8Array) => void) {
    super()
    this.#sink = sink
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes
  }

  push(chunk: Uint8Array): void {
    this.#sink(chunk)
    if (this.#bytes === 0 && chunk.length > 0) this.emit('first')
    this.#bytes += chunk.length
    this.emit('data', this.#decoder.decode(chunk, { stream: true }))
    for (const line of this.#splitter.push(chunk)) this.#line(line)
  }

  /** The last lines, oldest first, the unfinished one included. */
  tail(count = 20): string[] {
    const partial = this.#splitter.partial()
    return (partial === '' ? this.#ring : [...this.#ring, partial]).slice(-count)
  }

  #line(line: string): void {
    this.#ring.push(line)
    if (this.#ring.length > RING_LINES) this.#ring.shift()
    this.emit('line', line)
    const trouble = recogniseTrouble(line)
    if (trouble) this.emit('trouble', trouble)
  }
}
