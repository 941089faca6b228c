import { parseZoneinfo } from '../../abi/zoneinfo.ts'
import { allocate } from '../../model/pages/allocate.ts'
import { release } from '../../model/pages/buddy.ts'
import { framesOf } from '../../model/pages/frame-bits.ts'
import { MIGRATE, MIGRATE_TYPES, type Mobility } from '../../model/pages/migratetype.ts'
import { blocksByType, freeByType, layOut } from '../../model/pages/observed.ts'
import { createPages, NONE, ORDERS, ZONE, type Pages } from '../../model/pages/pages.ts'
import { zonelist } from '../../model/pages/populate.ts'
import { LabError } from '../../shared/result.ts'
import { PAGE_SIZE } from '../../shared/units.ts'
import { observedStart, type PageFiles, type PhysRange } from './observed-run.ts'

/** Folios that khoprobe allocates at once: `count` of each order, or gives back. */
export type PageStep =
  | {
      readonly words: string
      readonly alloc: string
      readonly orders: readonly number[]
      readonly count: number
      readonly movable: boolean
    }
  | { readonly words: string; readonly free: string }
  | { readonly words: string }

/** Allocations of the kinds that steer placement, on a fresh guest; `nothing` shows what the guest does of its own accord. */
export const PAGE_STEPS: readonly PageStep[] = [
  { words: 'nothing' },
  { words: 'nothing again' },
  alloc('unmovable', [0], 20_000, false),
  alloc('movable', [0], 20_000, true),
  alloc('tables', [4, 5, 6, 7, 8], 10, false),
  alloc('huge', [9], 40, true),
  alloc('large', [10], 10, false),
  alloc('mixed', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 8, true),
  free('unmovable'),
  free('tables'),
  free('mixed'),
  free('movable'),
  free('huge'),
  free('large'),
]

function alloc(name: string, orders: readonly number[], count: number, movable: boolean): PageStep {
  const range = orders.length === 1 ? String(orders[0]) : `${orders[0] ?? 0}..${orders.at(-1) ?? 0}`
  return { words: `${count} ${movable ? 'movable' : 'unmovable'}, order ${range}`, alloc: name, orders, count, movable }
}

function free(name: string): PageStep {
  return { words: `free ${name}`, free: name }
}

/** The line that khoprobe is given for a step; undefined where it has nothing to do. */
export function probeLine(step: PageStep): string | undefined {
  if ('alloc' in step) {
    const orders = step.orders.length === 1 ? String(step.orders[0]) : `${step.orders[0] ?? 0}..${step.orders.at(-1) ?? 0}`
    return `alloc ${step.alloc} folio ${orders} ${step.count}${step.movable ? ' movable' : ''}`
  }
  return 'free' in step ? `free ${step.free}` : undefined
}

/** Changes by one step, in pages and blocks. */
export interface StepComparison {
  readonly words: string
  /** Free pages on the buddy lists, guest and model. */
  readonly guestFree: number
  readonly modelFree: number
  /** Pages that went onto the guest's per-CPU lists, which the model has not. */
  readonly perCpu: number
  /** guestFree + perCpu - modelFree: what the guest's own processes and khoprobe's tables took. */
  readonly rest: number
  /** Free blocks by order after the step, and by how many blocks guest and model differ, all orders and types. */
  readonly guestByOrder: readonly number[]
  readonly modelByOrder: readonly number[]
  /** Pageblocks by migratetype after the step. */
  readonly guestBlocks: readonly number[]
  readonly modelBlocks: readonly number[]
}

/**
 * The same steps in the model, from the state that the guest showed before the first, and what each changed here and there.
 * `snapshots` has the guest before the first step and after each. Guests of one node. Throws LabError bad-document.
 */
export function comparePages(
  snapshots: readonly PageFiles[],
  ram: readonly PhysRange[],
  scratch: readonly PhysRange[],
): readonly StepComparison[] {
  const [first] = snapshots
  if (first === undefined) throw new RangeError('no snapshot')
  const start = observedStart(first, ram, scratch, [])
  const pages = createPages(start.frames, start.nodes)
  const laidOut = layOut(pages, start.zones, { cma: start.scratch, folios: [] })
  if (!laidOut.ok)
    throw new LabError({ code: 'bad-document', message: `the guest's counts contradict each other: ${laidOut.error}` })
  const zones = start.zones.map(({ zone }) => zone)
  const sets = new Map<string, readonly number[]>()
  let before = { guest: guestCounts(first, ram), model: modelCounts(pages, zones), perCpu: perCpuPages(first) }
  return PAGE_STEPS.map((step, index) => {
    act(pages, step, sets)
    const files = snapshots[index + 1] ?? first
    const now = { guest: guestCounts(files, ram), model: modelCounts(pages, zones), perCpu: perCpuPages(files) }
    const guestFree = pagesOf(now.guest.free) - pagesOf(before.guest.free)
    const modelFree = pagesOf(now.model.free) - pagesOf(before.model.free)
    const perCpu = now.perCpu - before.perCpu
    before = now
    return {
      words: step.words,
      guestFree,
      modelFree,
      perCpu,
      rest: guestFree + perCpu - modelFree,
      guestByOrder: byOrder(now.guest.free),
      modelByOrder: byOrder(now.model.free),
      guestBlocks: now.guest.blocks,
      modelBlocks: now.model.blocks,
    }
  })
}

interface Counts {
  readonly free: readonly (readonly number[])[]
  readonly blocks: readonly number[]
}

const sumOf = (lists: readonly (readonly number[])[]): readonly number[] =>
  lists.reduce((sum, list) => list.map((value, index) => value + (sum[index] ?? 0)), [])

function guestCounts(files: PageFiles, ram: readonly PhysRange[]): Counts {
  const { zones } = observedStart(files, ram, [], [])
  return {
    free: Array.from({ length: MIGRATE_TYPES }, (_unused, type) => sumOf(zones.map(({ free: of }) => of[type] ?? []))),
    blocks: sumOf(zones.map(({ blocks }) => blocks)),
  }
}

function modelCounts(pages: Pages, zones: readonly number[]): Counts {
  const free = zones.map((zone) => freeByType(pages, zone))
  return {
    free: Array.from({ length: MIGRATE_TYPES }, (_unused, type) => sumOf(free.map((of) => of[type] ?? []))),
    blocks: sumOf(zones.map((zone) => blocksByType(pages, zone))),
  }
}

const byOrder = (free: Counts['free']): readonly number[] => sumOf(free)
const pagesOf = (free: Counts['free']): number => byOrder(free).reduce((sum, count, order) => sum + count * framesOf(order), 0)

const COUNT = /^ {14}count: {1,16}(\d{1,12})$/gm

/** Pages on the per-CPU lists of all zones (`pagesets` of zoneinfo_show_print(), mm/vmstat.c, 7.3). */
export function perCpuPages({ zoneinfo }: PageFiles): number {
  const zones = parseZoneinfo(zoneinfo)
  if (!zones.ok) throw new LabError({ code: 'bad-document', message: zones.error })
  return [...zoneinfo.matchAll(COUNT)].reduce((sum, [, count]) => sum + Number(count), 0)
}

function act(pages: Pages, step: PageStep, sets: Map<string, readonly number[]>): void {
  if ('alloc' in step) {
    const type: Mobility = step.movable ? MIGRATE.movable : MIGRATE.unmovable
    const kinds = step.movable ? [ZONE.movable, ZONE.normal, ZONE.dma32] : [ZONE.normal, ZONE.dma32]
    const zones = zonelist(pages, 0, kinds)
    const frames = step.orders.flatMap((order) => Array.from({ length: step.count }, () => allocate(pages, order, type, zones)))
    if (frames.includes(NONE)) throw new LabError({ code: 'internal', message: `the model has no room for: ${step.words}` })
    sets.set(step.alloc, [...frames, ...ownTable(pages, frames.length)])
  } else if ('free' in step) {
    for (const frame of sets.get(step.free) ?? []) release(pages, frame)
    sets.delete(step.free)
  }
}

/** khoprobe keeps 8 bytes of vmalloc() memory for each folio. */
function ownTable(pages: Pages, folios: number): readonly number[] {
  const zones = zonelist(pages, 0, [ZONE.normal, ZONE.dma32])
  return Array.from({ length: Math.ceil((folios * 8) / PAGE_SIZE) }, () => allocate(pages, 0, MIGRATE.unmovable, zones))
}

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value))
const TYPES = ['Unmovable', 'Movable', 'Reclaimable', 'CMA'] as const
const TYPE_AT = [MIGRATE.unmovable, MIGRATE.movable, MIGRATE.reclaimable, MIGRATE.cma]

/** Two Markdown tables: pages by step, and what is free and which pageblocks there are after each. */
export function comparisonTables(steps: readonly StepComparison[]): string {
  const first = steps.map(
    ({ words, guestFree, modelFree, perCpu, rest }) =>
      `| ${words} | ${signed(guestFree)} | ${signed(modelFree)} | ${signed(perCpu)} | ${signed(rest)} |`,
  )
  const second = steps.flatMap(({ words, guestByOrder, modelByOrder, guestBlocks, modelBlocks }) =>
    (
      [
        ['guest', guestByOrder, guestBlocks],
        ['model', modelByOrder, modelBlocks],
      ] as const
    ).map(
      ([who, orders, blocks]) =>
        `| ${who === 'guest' ? words : ''} | ${who} | ${orders.join(' ')} | ${TYPE_AT.map((type) => blocks[type] ?? 0).join(' ')} |`,
    ),
  )
  return [
    '| step | free, guest | free, model | onto per-CPU lists | rest |',
    '|---|---|---|---|---|',
    ...first,
    '',
    `| after | | free blocks of order 0 to ${ORDERS - 1} | pageblocks: ${TYPES.join(', ')} |`,
    '|---|---|---|---|',
    ...second,
    '',
  ].join('\n')
}
