import type { PhaseName } from '../shared/documents/index.ts'
import { LabError, toLabError } from '../shared/result.ts'

export type PhaseBounds = Readonly<Record<PhaseName, number>>

/**
 * How long the console may say nothing new in each phase, in milliseconds, before the guest counts as silent. Some ten times what a
 * loaded two-core host needs for the whole phase; TCG runs the same guest several times slower than KVM.
 */
export const PHASE_BOUNDS: Readonly<Record<'kvm' | 'tcg', PhaseBounds>> = {
  kvm: { firmware: 10_000, kernel: 20_000, init: 10_000, ssh: 10_000, debugfs: 10_000 },
  tcg: { firmware: 30_000, kernel: 90_000, init: 30_000, ssh: 30_000, debugfs: 30_000 },
}

const EXPECTED: Readonly<Record<PhaseName, string>> = {
  firmware: 'a first byte from the kernel on the console',
  kernel: "the start of the guest's init",
  init: "the guest's ssh server to listen",
  ssh: 'ssh to let the lab in',
  debugfs: '/sys/kernel/debug to be mounted',
}

/** The first end of a machine, whatever it is. Everything that waits for the guest also waits for this. */
export class Doom {
  readonly #end = Promise.withResolvers<never>()
  #error: LabError | undefined

  constructor() {
    // Nobody may be waiting when the end comes; whoever waits later is told by race().
    this.#end.promise.catch((error: unknown) => toLabError(error))
  }

  get error(): LabError | undefined {
    return this.#error
  }

  /** The first call counts. */
  come(error: LabError): void {
    if (this.#error) return
    this.#error = error
    this.#end.reject(error)
  }

  race<T>(step: Promise<T>): Promise<T> {
    return Promise.race([this.#end.promise, step])
  }
}

/** A guest that goes on talking, as one does on a host that is busy with others, gets so many times the bound of a phase. */
const MOST_BOUNDS = 5

/**
 * Waits for a step of the boot: until `bound` milliseconds have gone without a change of `evidence`, the last lines of the console,
 * and no longer than five times that.
 */
export async function withinPhase<T>(
  phase: PhaseName,
  step: Promise<T>,
  bound: number,
  doom: Doom,
  evidence: () => readonly string[],
): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>()
  let [last, bounds] = [evidence().join(), 0]
  const timer = setInterval(() => {
    bounds += 1
    const now = evidence()
    const talks = now.join() !== last
    last = now.join()
    if (!talks || bounds >= MOST_BOUNDS) reject(silent(phase, bounds * bound, now))
  }, bound)
  try {
    return await doom.race(Promise.race([step, silence]))
  } finally {
    clearInterval(timer)
  }
}

const silent = (phase: PhaseName, waited: number, evidence: readonly string[]): LabError =>
  new LabError({
    code: phase === 'ssh' ? 'ssh-failed' : 'guest-silent',
    message: `the guest is silent: waited ${waited / 1000} s in phase ${phase} for ${EXPECTED[phase]}`,
    hint:
      evidence.length > 0
        ? 'The last lines of its console are the evidence.'
        : 'It printed nothing at all: is this a kernel, and does its command line have console=ttyS0?',
    evidence,
  })
