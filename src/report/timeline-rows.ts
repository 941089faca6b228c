import type { Timeline, TimelineBoot } from '../shared/documents/index.ts'

/** A table: its first row is the head. */
export type Rows = readonly (readonly string[])[]

const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : (ms / 1000).toFixed(ms < 9950 ? 2 : 1))

const add = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b

/** Seconds of each phase of each kexec, then least, median and most of each phase. */
export function phaseRows({ boots, spread }: Timeline): Rows {
  if (spread.length === 0) return []
  const phases = spread.map(({ phase }) => phase)
  const row = (name: string, of: (phase: string) => number | undefined): string[] => [
    name,
    ...phases.map((phase) => seconds(of(phase))),
    // A sum of only some phases would say less than it seems to.
    seconds(phases.reduce<number | undefined>((sum, phase) => add(sum, of(phase)), 0)),
  ]
  const hops = boots
    .filter(({ phases: own }) => own.length > 0)
    .map((boot) => row(`hop ${boot.hop}`, (phase) => boot.phases.find((one) => one.phase === phase)?.ms))
  const over = (name: 'min' | 'median' | 'max'): string[] =>
    row(name, (phase) => spread.find((one) => one.phase === phase)?.[name]).with(-1, '')
  return [['seconds', ...phases, 'together'], ...hops, ...(hops.length > 1 ? [over('min'), over('median'), over('max')] : [])]
}

/** Where each boot has its kernel, its root FDT and its direct map. */
export const placeRows = ({ boots }: Timeline): Rows => [
  ['boot', 'kernel', 'root FDT', 'direct map'],
  ...boots.map(({ hop, kernel = '', root = '', directMap = '' }) => [`${hop}`, kernel, root, directMap]),
]

/** What became of each set over each kexec. */
export function fateRows({ boots }: Timeline): Rows {
  const rows = boots.flatMap(({ hop, sets }) =>
    sets.map(({ name, pages, fate, words }) => [`${hop - 1} to ${hop}`, name, `${pages}`, fate, words]),
  )
  return rows.length === 0 ? [] : [['boots', 'set', 'pages', 'fate', ''], ...rows]
}

/** Steps of the workload, as long as a person can wait for them. */
export function stepRows({ boots }: Timeline): Rows {
  const rows = boots.flatMap(({ hop, steps }: TimelineBoot) =>
    steps.map(({ step, result, ms }) => [`${hop}`, step, result, seconds(ms)]),
  )
  return rows.length === 0 ? [] : [['boot', 'step', 'answer', 'seconds'], ...rows]
}

/** Tables of a timeline with their titles; those without rows are left out. */
export const timelineTables = (timeline: Timeline): readonly { readonly title: string; readonly rows: Rows }[] =>
  [
    { title: `Phases of each kexec, under ${timeline.accelerator.toUpperCase()}`, rows: phaseRows(timeline) },
    { title: 'What became of the pages', rows: fateRows(timeline) },
    { title: `Steps of the workload, under ${timeline.accelerator.toUpperCase()}`, rows: stepRows(timeline) },
    { title: 'Places', rows: placeRows(timeline) },
  ].filter(({ rows }) => rows.length > 1)
