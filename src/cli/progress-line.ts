import type { Terminal } from './terminal.ts'

/** Progress of one long job. `percent` counts over the whole job. */
export interface ProgressState {
  readonly phase: string
  readonly percent: number
  readonly secondsLeft?: number | undefined
}

export interface ProgressLine {
  readonly update: (state: ProgressState) => void
  /** Says something that stays, above the progress. */
  readonly note: (text: string) => void
  /** Takes the line away again, so that other text can follow. */
  readonly clear: () => void
}

const BAR_WIDTH = 24
/** Rewriting more often than this only costs time. */
const REDRAW_MS = 100
/** Where lines cannot be rewritten (a log file), one is written each time this many percent are done. */
const LOG_STEP = 10

/** `[######------]  42 %  2 min left  compiling the kernel`, cut to `columns`. */
export function progressText(state: ProgressState, columns: number): string {
  const percent = Math.min(100, Math.max(0, Math.floor(state.percent)))
  const filled = Math.round((percent / 100) * BAR_WIDTH)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
  const text = `${bar} ${String(percent).padStart(3)} %${timeLeft(state)}  ${state.phase}`
  return text.length <= columns - 1 ? text : text.slice(0, Math.max(0, columns - 1))
}

const timeLeft = ({ secondsLeft }: ProgressState): string =>
  secondsLeft === undefined ? '' : `  ${durationText(secondsLeft)} left`

/** `8 s`, `3 min`, `1 h 5 min`: as exact as an estimate deserves. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 90) return `${whole} s`
  const minutes = Math.ceil(whole / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Draws progress on stderr: one line rewritten in place on a terminal, sparse lines otherwise. `now` in milliseconds. */
export function progressLine(terminal: Terminal, now: () => number = Date.now): ProgressLine {
  let drawnAt = Number.NEGATIVE_INFINITY
  let drawnPhase: string | undefined
  let logged = ''
  const log = (state: ProgressState): void => {
    const key = `${state.phase}/${Math.floor(state.percent / LOG_STEP)}`
    if (key === logged) return
    logged = key
    terminal.err(`${Math.floor(state.percent)} %  ${state.phase}${timeLeft(state)}\n`)
  }
  const draw = (state: ProgressState): void => {
    // A phase that begins is always shown: it may be long before it says anything more.
    const soon = now() - drawnAt < REDRAW_MS
    if (soon && state.percent < 100 && state.phase === drawnPhase) return
    drawnAt = now()
    drawnPhase = state.phase
    terminal.err(`\r\u001b[K${progressText(state, terminal.columns)}`)
  }
  const clear = (): void => {
    if (drawnPhase !== undefined) terminal.err('\r\u001b[K')
    drawnPhase = undefined
    drawnAt = Number.NEGATIVE_INFINITY
  }
  return {
    update: terminal.live ? draw : log,
    note: (text) => {
      clear()
      terminal.err(`${text}\n`)
    },
    clear,
  }
}
