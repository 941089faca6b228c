import { z } from 'zod'
import { MiB, PAGE_SIZE, type Bytes } from '../../units.ts'
import { Size } from '../size.ts'

/** MAX_PAGE_ORDER of x86-64 (include/linux/mmzone.h, 7.3): the largest folio that the page allocator gives. */
export const MAX_FOLIO_ORDER = 10
/** What khoprobe takes at most: folios of one set, sets, bytes of one churn. */
export const SET_ENTRIES_MAX = 4 * 1024 * 1024
export const CHURN_OPERATIONS_MAX = 10_000_000

export const SetName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,14}$/, 'a lower-case letter, then up to 14 lower-case letters, digits or -')
  .meta({ description: 'name of a set of pages' })

/** One set or several: `name`, `[a, b]`. */
const SetNames = z
  .union([SetName, z.array(SetName).min(1).max(32)])
  .transform((names): readonly string[] => (typeof names === 'string' ? [names] : names))
  .meta({ description: 'a set, or a list of sets' })

/** `9`, or `0..10` for one folio of each. */
const Orders = z
  .union([z.int().min(0).max(MAX_FOLIO_ORDER), z.string()])
  .transform((value, context): readonly number[] => {
    const [first, last] = typeof value === 'number' ? [value, value] : rangeOf(value)
    if (first === undefined || last === undefined || last > MAX_FOLIO_ORDER || first > last) {
      context.addIssue({ code: 'custom', message: `not an order or a range of orders: ${String(value)} (write 9 or 0..10)` })
      return z.NEVER
    }
    return Array.from({ length: last - first + 1 }, (_unused, index) => first + index)
  })
  .meta({ description: 'order of each folio, 0 to 10, or a range such as 0..10' })

function rangeOf(text: string): readonly (number | undefined)[] {
  const [, first, last] = /^(\d{1,3})\.\.(\d{1,3})$/.exec(text) ?? []
  return first === undefined || last === undefined ? [] : [Number(first), Number(last)]
}

const Allocate = z.strictObject({
  name: SetName,
  kind: z
    .enum(['folio', 'contiguous', 'vmalloc'])
    .default('folio')
    .meta({ description: 'folios; one contiguous range (alloc_contig_pages); or one vmalloc area' }),
  order: Orders.prefault(0),
  count: z.int().min(1).max(SET_ENTRIES_MAX).default(1).meta({ description: 'folios of each order' }),
  size: Size.optional().meta({ description: 'bytes of a contiguous range or a vmalloc area; rounded up to pages' }),
  huge: z.boolean().default(false).meta({ description: 'vmalloc_huge(): mapped by 2 MiB where it can be' }),
  movable: z.boolean().default(false).meta({ description: 'GFP_HIGHUSER_MOVABLE instead of GFP_KERNEL' }),
  node: z.int().min(0).max(7).optional().meta({ description: 'NUMA node; where the guest likes, when absent' }),
  scratch: z.int().min(0).max(65).optional().meta({
    description: 'a contiguous range at the beginning of this scratch region (0 is the first), where nothing can be preserved',
  }),
})

/** An entry of a set, by its place. */
const entryOfSet = {
  set: SetName,
  entry: z
    .int()
    .min(0)
    .max(SET_ENTRIES_MAX - 1)
    .default(0)
    .meta({ description: 'which folio of the set; 0 is the first' }),
}
const EntryOfSet = z.strictObject(entryOfSet)
const RecordOfEntry = z.strictObject({
  ...entryOfSet,
  order: z.int().min(0).max(MAX_FOLIO_ORDER).meta({ description: '2^order pages from the first page of the entry' }),
})

const Churn = z.strictObject({
  operations: z.int().min(1).max(CHURN_OPERATIONS_MAX).default(10_000),
  maxOrder: z.int().min(0).max(MAX_FOLIO_ORDER).default(3),
  hold: Size.prefault('16MiB').meta({ description: 'memory that is held at most at a time; all is given back at the end' }),
})

const Wait = z
  .union([z.int(), z.string()])
  .transform((value, context): number => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(String(value)) ?? []
    const ms = Math.round(Number(amount) * (unit === 's' ? 1000 : 1))
    if (amount === undefined || !(ms >= 0 && ms <= 60_000)) {
      context.addIssue({ code: 'custom', message: `not a time: ${String(value)} (write 500ms or 2s, up to 60s)` })
      return z.NEVER
    }
    return ms
  })
  .meta({ description: 'a time such as 500ms or 2s' })

/** Steps that khoprobe does in the guest: one key of a step each. */
export const memorySteps = {
  allocate: Allocate.meta({ description: 'allocates a set of pages and fills it with its pattern' }),
  churn: Churn.meta({ description: 'allocates and frees at random for a while: time passes' }),
  preserve: SetNames.meta({ description: 'hands sets over: to_kho()' }),
  unpreserve: SetNames.meta({ description: 'takes that back; the pages stay allocated' }),
  free: SetNames.meta({ description: 'frees sets that are not preserved' }),
  wait: Wait.meta({ description: 'nothing happens for this long' }),
  restore: SetNames.meta({ description: 'takes sets back after a hop: from_kho()' }),
  verify: SetNames.meta({ description: 'compares every byte of sets with their pattern' }),
  put: SetNames.meta({ description: 'drops the last reference of every page: folio_put()' }),
  kho_restore_folio: EntryOfSet.meta({ description: 'asks the kernel for an entry that was restored, or never preserved' }),
  kho_preserve_pages: RecordOfEntry.meta({ description: "hands pages of a set over, past khoprobe's table" }),
  kho_unpreserve_pages: RecordOfEntry.meta({ description: 'takes back a record of this order, whichever the entry has' }),
} as const

interface AllocateStep {
  readonly step: 'allocate'
  readonly name: string
  readonly kind: 'folio' | 'contiguous' | 'vmalloc'
  /** Ascending; [0] unless kind is folio. */
  readonly orders: readonly number[]
  /** Folios of each order; 1 unless kind is folio. */
  readonly count: number
  /** Of a contiguous range or a vmalloc area; 0 for folios. */
  readonly pages: number
  readonly huge: boolean
  readonly movable: boolean
  readonly node?: number | undefined
  /** Index of the scratch region that the range has to lie in; only contiguous ranges. */
  readonly scratch?: number | undefined
}

interface ChurnStep {
  readonly step: 'churn'
  readonly operations: number
  readonly maxOrder: number
  readonly hold: Bytes
}

interface WaitStep {
  readonly step: 'wait'
  readonly ms: number
}

interface SetStep {
  readonly step: 'preserve' | 'unpreserve' | 'free' | 'restore' | 'verify' | 'put'
  readonly name: string
}

/** A function of KHO that is called for one entry of a set, past what khoprobe's own table allows. */
interface CallStep {
  readonly step: 'kho_restore_folio' | 'kho_preserve_pages' | 'kho_unpreserve_pages'
  readonly name: string
  readonly entry: number
  /** 0 for kho_restore_folio, which takes none. */
  readonly order: number
}

/** A step of this family as it is carried out: one set per step. */
export type MemoryStep = AllocateStep | ChurnStep | WaitStep | SetStep | CallStep
export type { AllocateStep, CallStep }

type Written = { readonly [K in keyof typeof memorySteps]?: z.output<(typeof memorySteps)[K]> | undefined }

/** What a written step means; undefined when it is of another family. */
export function memoryStepsOf(written: Written): readonly MemoryStep[] | undefined {
  if (written.allocate !== undefined) return [allocateStep(written.allocate)]
  if (written.churn !== undefined) return [{ step: 'churn', ...written.churn }]
  if (written.wait !== undefined) return [{ step: 'wait', ms: written.wait }]
  for (const step of ['preserve', 'unpreserve', 'free', 'restore', 'verify', 'put'] as const) {
    const names = written[step]
    if (names !== undefined) return names.map((name) => ({ step, name }))
  }
  return callStepsOf(written)
}

function callStepsOf(written: Written): readonly CallStep[] | undefined {
  const { kho_restore_folio: restored } = written
  if (restored !== undefined) return [{ step: 'kho_restore_folio', name: restored.set, entry: restored.entry, order: 0 }]
  for (const step of ['kho_preserve_pages', 'kho_unpreserve_pages'] as const) {
    const called = written[step]
    if (called !== undefined) return [{ step, name: called.set, entry: called.entry, order: called.order }]
  }
  return undefined
}

function allocateStep({ order, size, kind, count, ...rest }: z.output<typeof Allocate>): AllocateStep {
  return kind === 'folio'
    ? { step: 'allocate', kind, orders: order, count, pages: 0, ...rest }
    : { step: 'allocate', kind, orders: [0], count: 1, pages: Math.ceil((size ?? PAGE_SIZE) / PAGE_SIZE), ...rest }
}

/** pageblock_nr_pages (include/linux/pageblock-flags.h) in bytes, on x86-64. */
const PAGE_BLOCK = 2 * MiB

/** What the schema alone cannot say of a written step. */
export function memoryStepProblem({ allocate }: Written): { readonly key: string; readonly message: string } | undefined {
  if (allocate === undefined) return undefined
  const { kind, size, order, count, huge, movable, scratch } = allocate
  const at = (key: string, message: string) => ({ key, message })
  if (scratch !== undefined) {
    if (kind !== 'contiguous') return at('scratch', 'only a contiguous range can be asked for inside scratch')
    if ((size ?? 0) % PAGE_BLOCK !== 0) return at('size', 'a range inside scratch is a multiple of 2 MiB, a page block')
  }
  if (kind === 'folio') {
    if (size !== undefined) return at('size', 'folios have order and count; size is for contiguous and vmalloc')
    if (huge) return at('huge', 'only a vmalloc area can be huge')
    if (order.length * count > SET_ENTRIES_MAX) return at('count', `more than the ${SET_ENTRIES_MAX} folios that a set can have`)
    return undefined
  }
  if (size === undefined) return at('size', `a ${kind} set needs a size`)
  // What alloc_contig_pages() does with less, docs/findings.md says.
  if (kind === 'contiguous' && size < PAGE_BLOCK) return at('size', 'a contiguous range has 2 MiB or more, a page block')
  if (order.length !== 1 || order[0] !== 0) return at('order', `only folios have an order, not a ${kind} set`)
  if (count !== 1) return at('count', `a ${kind} set is one range; count is for folios`)
  if (huge && kind !== 'vmalloc') return at('huge', 'only a vmalloc area can be huge')
  if (movable && kind === 'vmalloc') return at('movable', 'vmalloc areas are not movable')
  return undefined
}

/** A step that khoprobe does, as against one of another family. */
export const isMemoryStep = (step: { readonly step: string }): step is MemoryStep => Object.hasOwn(memorySteps, step.step)

/** A step in the words of the experiment: `preserve driver`. */
export function stepText(step: MemoryStep): string {
  switch (step.step) {
    case 'allocate': {
      const [first = 0] = step.orders
      const last = step.orders.at(-1) ?? first
      const orders = first === last ? `${first}` : `${first}..${last}`
      return step.kind === 'folio'
        ? `allocate ${step.name}: ${step.count} folios of order ${orders}`
        : `allocate ${step.name}: ${step.kind}, ${step.pages} pages${step.huge ? ', huge' : ''}${inScratch(step)}`
    }
    case 'churn':
      return `churn ${step.operations} operations`
    case 'wait':
      return `wait ${step.ms} ms`
    case 'preserve':
    case 'unpreserve':
    case 'free':
    case 'restore':
    case 'verify':
    case 'put':
      return `${step.step} ${step.name}`
    case 'kho_restore_folio':
      return `${step.step} ${step.name}, entry ${step.entry}`
    case 'kho_preserve_pages':
    case 'kho_unpreserve_pages':
      return `${step.step} ${step.name}, entry ${step.entry}, order ${step.order}`
  }
}

const inScratch = ({ scratch }: AllocateStep): string => (scratch === undefined ? '' : `, in scratch region ${scratch}`)
