import type { PolicyId, StudyResult, StudyRow } from './documents/index.ts'
import { GiB, MiB } from './units.ts'

/** One policy at one value of what is varied, over all seeds. */
export interface PolicySummary {
  readonly policy: PolicyId
  readonly value: number | undefined
  readonly seeds: number
  /** Share of the seeds in which every handover was possible. */
  readonly survived: number
  /** Share of the seeds whose handover was possible, by generation. */
  readonly alive: readonly number[]
  /** Medians over seeds of the generation in which the handover failed; undefined where none did. */
  readonly failedAt: number | undefined
  readonly steps: readonly string[]
  /** Medians over the rows. */
  readonly heldBack: number
  readonly largestWithoutPreserved: number
  readonly migratedFrames: number
  readonly copiedBytes: number
  readonly cost: number
  readonly overwrittenFrames: number
  readonly refusedFolios: number
  readonly allocationFailures: number
  /** Smallest early memory above what was needed; negative when it was too small. */
  readonly bootMargin: number
}

/** What a study that was cancelled lacks: what had begun, and what had not. Undefined where every simulation came to its end. */
export function cutShortWords({ rows, unfinished = [] }: Pick<StudyResult, 'rows' | 'unfinished'>): string | undefined {
  if (unfinished.length === 0) return undefined
  const begun = new Set(rows.map(nameOf))
  const cut = unfinished.filter((one) => begun.has(nameOf(one))).length
  const simulations = (count: number): string => `${count} ${count === 1 ? 'simulation' : 'simulations'}`
  return `${simulations(cut)} cut short, ${simulations(unfinished.length - cut)} not begun`
}

const nameOf = ({ policy, value, seed }: Pick<StudyRow, 'policy' | 'value' | 'seed'>): string =>
  `${policy}/${value ?? ''}/${seed}`

/** In the order of the study's rows. Simulations that were cancelled before their end do not count: nobody knows how they end. */
export function summarise({ rows, generations, unfinished = [] }: StudyResult): readonly PolicySummary[] {
  const cancelled = new Set(unfinished.map(nameOf))
  const finished = rows.filter((row) => !cancelled.has(nameOf(row)))
  const groups = Map.groupBy(finished, ({ policy, value }) => `${policy}/${value ?? ''}`)
  return [...groups.values()].map((group) => summaryOf(group, generations))
}

function summaryOf(rows: readonly StudyRow[], generations: number): PolicySummary {
  const seeds = [...Map.groupBy(rows, ({ seed }) => seed).values()]
  const lasts = seeds.flatMap((ofSeed) => ofSeed.at(-1) ?? [])
  const failed = lasts.filter(({ possible }) => !possible)
  const middle = (of: (row: StudyRow) => number): number => median(rows.map(of))
  const first = rows[0]
  if (first === undefined) throw new RangeError('a group of no rows')
  return {
    policy: first.policy,
    value: first.value,
    seeds: seeds.length,
    survived: 1 - failed.length / seeds.length,
    alive: Array.from(
      { length: generations },
      (_unused, at) => lasts.filter(({ generation, possible }) => possible || generation > at).length / seeds.length,
    ),
    failedAt: failed.length === 0 ? undefined : median(failed.map(({ generation }) => generation)),
    steps: [...new Set(failed.flatMap(({ failedStep }) => failedStep ?? []))],
    heldBack: middle(({ heldBack }) => heldBack),
    largestWithoutPreserved: middle(({ largestWithoutPreserved }) => largestWithoutPreserved),
    migratedFrames: middle(({ migratedFrames }) => migratedFrames),
    copiedBytes: middle(({ copiedBytes }) => copiedBytes),
    cost: middle(({ cost }) => cost),
    overwrittenFrames: Math.max(...rows.map(({ overwrittenFrames }) => overwrittenFrames)),
    refusedFolios: Math.max(...rows.map(({ refusedFolios }) => refusedFolios)),
    allocationFailures: Math.max(...rows.map(({ allocationFailures }) => allocationFailures)),
    bootMargin: Math.min(
      ...rows.filter(({ bootAvailable }) => bootAvailable > 0).map(({ bootAvailable, bootNeeded }) => bootAvailable - bootNeeded),
    ),
  }
}

/** Of an even number of values the lower of the two in the middle, so that it is one that was measured. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

/** 1.5 GiB, 64 MiB: three figures are enough for a table. */
export function roughSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return '-'
  if (Math.abs(bytes) >= GiB) return `${Number((bytes / GiB).toPrecision(3))} GiB`
  return `${Number((bytes / MiB).toPrecision(3))} MiB`
}

/** What was varied: a number, or where it is that large, a size. */
export const valueText = (value: number | undefined): string =>
  value === undefined ? '' : value >= MiB ? roughSize(value) : String(value)

export type SummaryColumn = readonly [title: string, text: (summary: PolicySummary) => string]

/** What a line of a summary shows. */
export const SUMMARY_COLUMNS: readonly SummaryColumn[] = [
  ['policy', ({ policy }) => policy],
  ['survived', ({ survived, seeds }) => `${Math.round(survived * seeds)}/${seeds}`],
  ['failed at', ({ failedAt, steps }) => (failedAt === undefined ? '-' : `${failedAt}: ${steps.join(', ')}`)],
  ['held back', ({ heldBack }) => roughSize(heldBack)],
  ['boot margin', ({ bootMargin }) => roughSize(bootMargin)],
  ['longest gap', ({ largestWithoutPreserved }) => roughSize(largestWithoutPreserved)],
  ['copied', ({ copiedBytes }) => roughSize(copiedBytes)],
  ['migrated', ({ migratedFrames }) => roughSize(migratedFrames * 4096)],
  ['cost', ({ cost }) => String(cost)],
  ['refused', ({ refusedFolios }) => String(refusedFolios)],
  ['overwritten', ({ overwrittenFrames }) => String(overwrittenFrames)],
]
