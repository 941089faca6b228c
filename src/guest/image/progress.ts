import type { Progress } from '../types.ts'

export type OnProgress = (progress: Progress) => void

/** The steps of a build with the seconds that each usually takes; the kernel is compiled in most of them. */
export interface Step {
  readonly name: string
  readonly seconds: number
}

/**
 * Turns steps into one percentage over the whole job. `now` is in milliseconds.
 * Within a step, `within(fraction)` moves on; once a step has run for a while, the time left follows its own speed.
 */
export class ProgressTracker {
  readonly #steps: readonly Step[]
  readonly #report: OnProgress
  readonly #now: () => number
  #index = -1
  #phase = ''
  #startedAt = 0
  #last = ''

  constructor(steps: readonly Step[], report: OnProgress, now: () => number = () => performance.now()) {
    this.#steps = steps
    this.#report = report
    this.#now = now
  }

  /** Starts the step of that name; `words` is what people read. */
  start(name: string, words: string): void {
    this.#index = this.#steps.findIndex((step) => step.name === name)
    this.#phase = words
    this.#startedAt = this.#now()
    this.within(0)
  }

  /** Says something else than the step's own words, at the place where the job is. */
  note(text: string): void {
    this.#report({ phase: text, percent: this.#percent(0) })
  }

  /** `fraction` of the current step is done, 0 to 1. */
  within(fraction: number): void {
    const done = Math.min(Math.max(fraction, 0), 1)
    const step = this.#steps[this.#index]?.seconds ?? 0
    const percent = this.#percent(done)
    const spent = (this.#now() - this.#startedAt) / 1000
    const ofStep = done > 0.05 ? (spent * (1 - done)) / done : Math.max(step - spent, 0)
    const secondsLeft = Math.round(ofStep + this.#secondsFrom(this.#index + 1))
    const key = `${this.#phase} ${percent}`
    if (key === this.#last) return
    this.#last = key
    this.#report({ phase: this.#phase, percent, secondsLeft })
  }

  #percent(done: number): number {
    const total = this.#secondsFrom(0)
    const before = total - this.#secondsFrom(Math.max(this.#index, 0))
    const step = this.#steps[this.#index]?.seconds ?? 0
    return Math.min(99, Math.floor((100 * (before + step * done)) / total))
  }

  #secondsFrom(index: number): number {
    return this.#steps.slice(index).reduce((sum, step) => sum + step.seconds, 0)
  }
}
