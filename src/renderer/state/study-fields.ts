import type { Study } from '../../shared/documents/index.ts'
import { SWEEPABLE } from '../../shared/study-names.ts'
import { formatSize, GiB, KiB, MiB, parseSize } from '../../shared/units.ts'

/** How a number of a study is shown, read, and moved by a slider. */
export interface Field {
  /** `workload.vmShare`. */
  readonly key: string
  readonly label: string
  readonly words: string
  readonly unit: 'share' | 'size' | 'count'
  /** Places of the slider, ascending. */
  readonly stops: readonly number[]
}

const range = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_unused, at) => Number((from + at * step).toFixed(6)))
const doubling = (from: number, to: number): number[] => {
  const stops = [from]
  for (let value = from * 2; value <= to; value *= 2) stops.push(value)
  return stops
}
const counts = [0, ...[1, 10, 100, 1000, 10_000, 100_000].flatMap((base) => [1, 2, 5].map((part) => part * base))]
const percents = range(0, 1, 0.01)
/** Near nothing and near all a percent is too coarse. */
const fineShare = [0, 0.0001, 0.001, 0.002, 0.005, ...range(0.01, 0.99, 0.01), 0.995, 0.998, 0.999, 0.9999, 1]

const share = (key: string, label: string, words: string, stops: readonly number[] = percents): Field => ({
  key,
  label,
  words,
  unit: 'share',
  stops,
})
const size = (key: string, label: string, words: string, stops: readonly number[]): Field => ({
  key,
  label,
  words,
  unit: 'size',
  stops,
})
const count = (key: string, label: string, words: string, stops: readonly number[] = counts): Field => ({
  key,
  label,
  words,
  unit: 'count',
  stops,
})

export const FIELD_GROUPS: readonly { readonly name: string; readonly fields: readonly Field[] }[] = [
  {
    name: 'Runs',
    fields: [
      count('generations', 'generations', 'kernels one after the other', range(1, 100, 1)),
      count('seeds', 'seeds', 'each simulation once per seed', range(1, 30, 1)),
    ],
  },
  {
    name: 'Machine',
    fields: [
      size('machine.memory', 'memory', 'RAM of the whole machine', doubling(GiB, 1024 * GiB)),
      count('machine.nodes', 'nodes', 'NUMA nodes; boot regions lie in node 0', range(1, 8, 1)),
    ],
  },
  {
    name: 'Boot',
    fields: [
      size('boot.image', 'image', 'kernel and initrd, in one linear piece', range(16 * MiB, 512 * MiB, 16 * MiB)),
      size('boot.footprint', 'footprint', 'early allocations beside the memory map', range(16 * MiB, 1024 * MiB, 16 * MiB)),
      size('boot.perFolio', 'per folio', 'early bytes for each folio handed over', [0, ...doubling(16, 64 * KiB)]),
      size('boot.drivers', 'drivers', 'GFP_KERNEL memory that booting allocates', range(0, 512 * MiB, 16 * MiB)),
      share('boot.preservedDrivers', 'from booting', 'share of the driver folios that booting allocates', fineShare),
    ],
  },
  {
    name: 'Workload',
    fields: [
      share('workload.vmShare', 'VM memory', 'share of RAM'),
      share(
        'workload.vmPinned',
        'VM pinned',
        'share of VM folios that are pinned at once; the others at the handover',
        fineShare,
      ),
      count('workload.driverFolios', 'driver folios', 'small folios that are handed over'),
      share('workload.driverFixed', 'driver fixed', 'share of them that a device or a pointer holds in place', fineShare),
      count('workload.iommuPages', 'IOMMU pages', 'page-table pages that are handed over'),
      share('workload.marked', 'marked', 'share that is marked at the allocation (GFP_KHO)', fineShare),
      share('workload.slabShare', 'slab', 'share of RAM in slab and page tables'),
      share('workload.cacheShare', 'page cache', 'share of RAM in page cache and anonymous memory'),
      count('workload.churn', 'churn', 'allocations and frees of cache and slab per generation'),
      share('workload.turnover', 'turnover', 'share of the handed-over folios renewed per generation'),
      share('workload.growth', 'growth', 'of the handed-over set per generation'),
    ],
  },
]

export const SWEPT: readonly string[] = SWEEPABLE

/** A study's number by its key; undefined where it is a word. */
export function numberAt(study: Study, key: string): number | undefined {
  const [group = '', name] = key.split('.')
  const holder: unknown = name === undefined ? study : (study as Readonly<Record<string, unknown>>)[group]
  const value: unknown = (holder as Readonly<Record<string, unknown>>)[name ?? group]
  return typeof value === 'number' ? value : undefined
}

/** The study with another value at this key. */
export function withValue(study: Study, key: string, value: unknown): Study {
  const [group = '', name] = key.split('.')
  if (name === undefined) return { ...study, [group]: value }
  const holder = (study as Readonly<Record<string, unknown>>)[group]
  return { ...study, [group]: { ...(holder as object), [name]: value } }
}

export function textOf(unit: Field['unit'], value: number): string {
  switch (unit) {
    case 'share':
      return `${Number((value * 100).toPrecision(6))} %`
    case 'size':
      return formatSize(value)
    case 'count':
      return String(value)
  }
}

/** Reads what {@link textOf} writes, and shorter forms of it. */
export function valueOf(unit: Field['unit'], text: string): number | undefined {
  const trimmed = text.trim()
  if (unit === 'size') return parseSize(trimmed)
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(trimmed)
  if (match === null) return undefined
  const number = Number(match[1])
  if (unit === 'count') return match[2] === '' && Number.isInteger(number) ? number : undefined
  return match[2] === '%' ? number / 100 : number
}

export const unitOf = (key: string): Field['unit'] =>
  FIELD_GROUPS.flatMap(({ fields }) => fields).find((field) => field.key === key)?.unit ??
  (key === 'boot.region' ? 'size' : 'count')

/** Place of the stop that is nearest. */
export function nearestStop(stops: readonly number[], value: number): number {
  let best = 0
  for (const [at, stop] of stops.entries()) if (Math.abs(stop - value) < Math.abs((stops[best] ?? 0) - value)) best = at
  return best
}
