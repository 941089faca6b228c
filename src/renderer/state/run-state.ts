import type { RunEvent } from '../../shared/contract.ts'
import type { PhaseName } from '../../shared/documents/index.ts'
import type { Problem } from '../client/problem.ts'

export const PHASES = ['firmware', 'kernel', 'init', 'ssh', 'debugfs'] as const satisfies readonly PhaseName[]

export interface HopTimes {
  readonly hop: number
  /** Milliseconds from the hop's start to the end of each phase that was reached. */
  readonly ends: Readonly<Partial<Record<PhaseName, number>>>
}

export type RunEnd =
  | { readonly kind: 'finished'; readonly event: Extract<RunEvent, { type: 'finished' }> }
  | { readonly kind: 'failed'; readonly problem: Problem; readonly directory: string | undefined }

/** What a page knows of one run; made from its events alone, so replaying them gives the same. */
export interface RunState {
  readonly predicted?: { readonly claims: number; readonly sha256: string }
  readonly accelerator?: { readonly used: string; readonly why: string }
  readonly hops: readonly HopTimes[]
  /** `at`: milliseconds since the run began. */
  readonly steps: readonly { readonly hop: number; readonly text: string; readonly at: number | undefined }[]
  /** The console has said something. */
  readonly said?: true
  /** Newest last. */
  readonly qemu: readonly { readonly event: string; readonly data: string; readonly at: number | undefined }[]
  /** The run waits for a person. */
  readonly held?: { readonly hop: number; readonly next: 'hop' | 'end' }
  readonly end?: RunEnd
}

const QEMU_EVENTS_KEPT = 2000

export const EMPTY_RUN: RunState = { hops: [], steps: [], qemu: [] }

/** The state after `event`. Serial output is not part of it, only that there was some: it goes to the terminal as it comes. */
export function after(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'predicted':
      return { ...state, predicted: { claims: event.claims, sha256: event.sha256 } }
    case 'started':
      return { ...state, accelerator: { used: event.accelerator, why: event.why } }
    case 'phase':
      return { ...state, hops: withPhase(state.hops, event.hop, event.phase, event.ms) }
    case 'step':
      return { ...withoutHold(state), steps: [...state.steps, { hop: event.hop, text: event.text, at: event.at }] }
    case 'held':
      return { ...state, held: { hop: event.hop, next: event.next } }
    case 'qemu':
      return { ...state, qemu: [...state.qemu.slice(-QEMU_EVENTS_KEPT), { event: event.event, data: event.data, at: event.at }] }
    case 'serial':
      return state.said ? state : { ...state, said: true }
    case 'finished':
      return { ...withoutHold(state), end: { kind: 'finished', event } }
    case 'failed':
      return { ...withoutHold(state), end: { kind: 'failed', problem: event.error, directory: event.directory } }
  }
}

function withoutHold({ held: _released, ...state }: RunState): RunState {
  return state
}

function withPhase(hops: readonly HopTimes[], hop: number, phase: PhaseName, ms: number): readonly HopTimes[] {
  const known = hops.find((times) => times.hop === hop)
  const times = { hop, ends: { ...known?.ends, [phase]: ms } }
  return known ? hops.map((other) => (other === known ? times : other)) : [...hops, times]
}

/** How long each phase of a hop took, from its end and the end of the phase before it that was reached. */
export function phaseDurations(times: HopTimes): Readonly<Partial<Record<PhaseName, number>>> {
  const durations: Partial<Record<PhaseName, number>> = {}
  let before = 0
  for (const phase of PHASES) {
    const end = times.ends[phase]
    if (end === undefined) continue
    durations[phase] = Math.max(0, end - before)
    before = end
  }
  return durations
}

/** The phase after the last that was reached. A kexec skips the firmware, so a gap before it is no wait. */
export function nextPhase(times: HopTimes): PhaseName | undefined {
  const last = PHASES.findLastIndex((phase) => times.ends[phase] !== undefined)
  return PHASES[last + 1]
}

/** What a run that goes on waits for, in words. */
export function waitingFor(state: RunState): string {
  if (state.held) return state.held.next === 'hop' ? 'held: ready for the next hop' : 'held: all boots are observed'
  const step = state.steps.at(-1)
  const last = state.hops.at(-1)
  if (!state.predicted) return 'predicting'
  if (!last) return step?.text ?? 'starting the machine'
  const next = nextPhase(last)
  const hop = next === undefined ? Math.max(last.hop, step?.hop ?? 0) : last.hop
  return `${hop === 0 ? 'first boot' : `hop ${hop}`}: ${next === undefined ? (step?.text ?? 'observing') : `waiting for ${next}`}`
}
