import type { HopPhase, HopPhaseName } from '../shared/documents/index.ts'

const STAMP = /^\[ *(\d+\.\d{6})\](?:\[[ CT\d]+\])? (.*)$/

/** Lines of the kernel log that end a phase, by what prints them (7.3). */
const MARKS = {
  /** kernel_kexec(), kernel/kexec_core.c: devices are shut down. */
  leaving: /^(?:kexec_core: )?Starting new kernel$/,
  /** report_meminit(), mm/mm_init.c: last before kho_memory_init(). */
  beforeHandover: /^mem auto-init: /,
  /** kmem_cache_init(), mm/slub.c: first after kho_memory_init() and memblock_free_all(). */
  afterHandover: /^SLUB: HWalign=/,
} as const

/**
 * Times of one kexec, from the console as it is heard and from the stamps of its lines. The new kernel's clock begins while it
 * calibrates its time stamp counter, early in setup_arch(); a line is never heard before it was stamped, so of all lines the one
 * heard soonest tells when that was.
 */
export class HopTimes {
  readonly #startedAt: number
  readonly #loadMs: number | undefined
  #leaving: number | undefined
  #clockZero = Infinity
  /** The early calibration failed, as it does on a busy host under TCG: the clock began after the marks, and divides nothing. */
  #clockIsLate = false
  readonly #stamps = new Map<'beforeHandover' | 'afterHandover', number>()

  /** `startedAt`: when the kexec was asked for, on the clock of performance.now(). */
  constructor(startedAt: number, loadMs: number | undefined) {
    this.#startedAt = startedAt
    this.#loadMs = loadMs
  }

  /** A line of the console, heard at `at`. */
  hear(line: string, at: number): void {
    const [, stamp, text = ''] = STAMP.exec(line) ?? []
    if (stamp === undefined) return
    if (this.#leaving === undefined) {
      if (MARKS.leaving.test(text)) this.#leaving = at
      return
    }
    const ms = Number(stamp) * 1000
    if (ms === 0) {
      this.#clockIsLate ||= MARKS.afterHandover.test(text)
      return
    }
    this.#clockZero = Math.min(this.#clockZero, at - ms)
    for (const name of ['beforeHandover', 'afterHandover'] as const)
      if (!this.#stamps.has(name) && MARKS[name].test(text)) this.#stamps.set(name, ms)
  }

  /** The phases that were seen to begin and to end, in order. `initAt`, `readyAt`: user space ran, and could be looked at. */
  phases(initAt: number, readyAt: number): readonly HopPhase[] {
    const zero = Number.isFinite(this.#clockZero) && !this.#clockIsLate ? this.#clockZero : undefined
    const stamped = (name: 'beforeHandover' | 'afterHandover'): number | undefined => {
      const stamp = this.#stamps.get(name)
      return zero === undefined || stamp === undefined ? undefined : zero + stamp
    }
    const [before, after] = [stamped('beforeHandover'), stamped('afterHandover')]
    const spans: readonly [HopPhaseName, number | undefined, number | undefined][] = [
      ['shutdown', this.#startedAt, this.#leaving],
      ['relocation', this.#leaving, zero],
      ['kernel start', zero, before],
      ['handover restore', before, after],
      ['init', after, initAt],
      ['ready', initAt, readyAt],
    ]
    return [
      ...(this.#loadMs === undefined ? [] : [{ phase: 'load' as const, ms: this.#loadMs }]),
      ...spans.flatMap(([phase, from, to]) =>
        from === undefined || to === undefined ? [] : [{ phase, ms: Math.max(0, to - from) }],
      ),
    ]
  }
}
