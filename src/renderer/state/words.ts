import type { RunListing } from '../../shared/contract.ts'
import type { Finding, Summary, Verdict } from '../../shared/documents/index.ts'
import { formatSize } from '../../shared/units.ts'

export const VERDICTS = ['differ', 'unobserved', 'unpredicted', 'match'] as const satisfies readonly Verdict[]
/** Each verdict has a sign, so that it can be told without colour. */
export const VERDICT_SIGNS: Readonly<Record<Verdict, string>> = { match: '=', differ: '≠', unobserved: '?', unpredicted: '–' }

export type Tone = 'good' | 'bad' | 'unsure' | 'none' | 'live'

export interface Mark {
  readonly sign: string
  readonly words: string
  readonly tone: Tone
}

export function runMark(run: Pick<RunListing, 'state' | 'summary'>): Mark {
  if (run.state === 'running') return { sign: '▸', words: 'running', tone: 'live' }
  if (run.state === 'failed') return { sign: '!', words: 'failed', tone: 'bad' }
  if (run.state === 'broken') return { sign: '!', words: 'broken', tone: 'bad' }
  return run.summary ? summaryMark(run.summary) : { sign: '–', words: 'done', tone: 'none' }
}

export function summaryMark(summary: Summary): Mark {
  switch (summary.run) {
    case 'agreed':
      return { sign: '=', words: 'agreed', tone: 'good' }
    case 'disagreed':
      return { sign: '≠', words: 'disagreed', tone: 'bad' }
    case 'incomplete':
      return { sign: '?', words: 'incomplete', tone: 'unsure' }
    case 'lost':
      return { sign: '!', words: 'lost', tone: 'bad' }
  }
}

/** What a verdict means for this run, and what to look at next. */
export function verdictSentence(summary: Summary): string {
  const checked = summary.match + summary.differ
  switch (summary.run) {
    case 'agreed':
      return `All ${checked} predictions that were checked hold on this kernel.`
    case 'disagreed':
      return `${summary.differ} of ${checked} checked predictions do not hold. The claims say which and why.`
    case 'incomplete':
      return `Nothing differs, but ${summary.unobserved} predicted ${summary.unobserved === 1 ? 'value was' : 'values were'} not observed. The claims say why.`
    case 'lost':
      return 'The guest did not reach the end of the run. What it showed until then was compared.'
  }
}

export const FINDING_WORDS: Readonly<Record<Finding['status'], string>> = {
  confirmed: 'seen in this run',
  refuted: 'not there in this run',
  'not-observed': 'could not be looked at',
}

/** 1234 → `1.23 s`, 87 → `87 ms`. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 100_000 ? `${(ms / 1000).toFixed(2)} s` : formatElapsed(ms)
}

/** Time in a run: seconds, so that a column of them lines up. */
export const formatAt = (ms: number): string => `${(ms / 1000).toFixed(3)} s`

export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const rest = String(seconds % 60).padStart(2, '0')
  return `${Math.floor(seconds / 60)}:${rest}`
}

/** Local date and time to the second, sorting as it reads. */
export function formatWhen(iso: string): string {
  const when = new Date(iso)
  if (Number.isNaN(when.getTime())) return iso
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`
}

/** Exact where the size is round, else with one decimal: `4 GiB`, `3.3 MiB`. */
export function formatRoughSize(bytes: number): string {
  const exact = formatSize(bytes)
  if (bytes < 1024 || !exact.endsWith(' B')) return exact
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value.toFixed(1)} ${units[unit] ?? ''}`
}
