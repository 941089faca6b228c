import { z } from 'zod'
import { VMALLOC_CHUNK_ENTRIES } from '../../abi/kho-vmalloc.ts'
import { orderBytes, preserveRange } from '../../abi/preserve.ts'
import { eachRecordIn, recordsIn } from '../../abi/record-list.ts'
import { Hex } from '../../shared/documents/common.ts'
import { LISTED_ENTRIES, ProbeTableView, Range, ScratchRegion } from '../../shared/documents/index.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { PAGE_SIZE, fromHex } from '../../shared/units.ts'
import { nodeOfPfn, type PlainRecord } from '../preserved-set.ts'
import { defineRule, type Rule } from '../rule.ts'
import type { NodeOf } from '../../abi/preserve.ts'

export type ProbeTable = z.output<typeof ProbeTableView>
type TableSet = ProbeTable['sets'][number]

const Shape = z.object({
  name: z.string(),
  kind: z.string(),
  entries: z.int().positive(),
  pages: z.int().positive(),
  /** Only the table tells whether it came over. */
  maybe: z.literal(true).optional(),
})
const Inputs = z.strictObject({
  sets: z.array(Shape.extend({ index: z.int() })),
  nodes: z.array(z.array(Range)),
})
const Table = z.object({ 'workload.table': ProbeTableView })
const TableAndSpace = Table.extend({ 'kernel.addressSpace': z.object({ pageOffsetBase: Hex }) })
const Places = z.object({
  'workload.places': z.array(z.object({ name: z.string(), pages: z.array(Range).optional() })),
  'scratch.regions': z.array(ScratchRegion),
})

/** kho_restore_vmalloc() (7.3) restores the chunks of its list as well, before it frees them. */
const chunksOf = (set: TableSet): number =>
  set.kind === 'vmalloc' ? Math.floor(pagesOf(set) / 2 ** set.areaOrder / VMALLOC_CHUNK_ENTRIES) + 1 : 0

const tooScattered = ({ name }: TableSet): string => `the pages of ${name} lie too scattered to be listed`

/** Also those of a huge area that nobody asked for. */
const pagesOf = ({ pages, areaPages }: TableSet): number =>
  areaPages === undefined
    ? pages
    : areaPages.reduce((sum, { start, end }) => sum + (fromHex(end) - fromHex(start)) / PAGE_SIZE, 0)

function each<T>(
  { sets }: z.output<typeof Inputs>,
  table: ProbeTable,
  make: (planned: z.output<typeof Inputs>['sets'][number], set: TableSet) => T,
): Result<T[]> {
  const made: T[] = []
  for (const planned of sets) {
    const set = table.sets.find(({ name }) => name === planned.name)
    if (set?.kind === 'vmalloc' && set.areaPages === undefined) return err(tooScattered(set))
    if (set !== undefined) made.push(make(planned, set))
    else if (planned.maybe !== true) return err(`the table of the boot before has no set ${planned.name}`)
  }
  return ok(made)
}

export const workloadRules = {
  'sets-inherited': defineRule(z.strictObject({ sets: z.array(Shape) }), Table, ({ sets }, given) => {
    const came = new Set(given['workload.table'].sets.map(({ name }) => name))
    return ok(sets.filter((set) => set.maybe !== true || came.has(set.name)).map(({ maybe: _maybe, ...shape }) => shape))
  }),
  /** kho_preserve_folio(), kho_preserve_pages() (7.3) refuse what lies in scratch; khoprobe then takes all of the set back. */
  'sets-taken': defineRule(z.strictObject({ sets: z.array(Shape) }), Places, ({ sets }, given) => {
    const scratch = given['scratch.regions'].map(({ start, size }) => ({
      start: fromHex(start),
      end: fromHex(start) + fromHex(size),
    }))
    const taken: z.output<typeof Shape>[] = []
    for (const { maybe, ...shape } of sets) {
      const placed = given['workload.places'].find(({ name }) => name === shape.name)
      if (maybe === true && placed === undefined) continue
      if (maybe === true && placed?.pages === undefined) return err(`the places of ${shape.name} were too many to be listed`)
      const overlaps = (placed?.pages ?? []).some((pages) =>
        scratch.some(({ start, end }) => fromHex(pages.start) < end && fromHex(pages.end) > start),
      )
      if (maybe !== true || !overlaps) taken.push(shape)
    }
    return ok(taken)
  }),
  'sets-restored': defineRule(Inputs, Table, (inputs, given) =>
    each(inputs, given['workload.table'], ({ index, name, entries }, set) => ({
      index,
      name,
      hash: set.hash,
      restored: entries,
      lost: 0,
      orderDiffers: 0,
      refcountDiffers: 0,
      compoundDiffers: 0,
      managed: pagesOf(set) + chunksOf(set),
    })),
  ),
  /** Every folio has an address in the direct map, whose place KASLR draws (kernel_randomize_memory(), arch/x86/mm/kaslr.c, 7.3). */
  'addresses-kept': defineRule(Inputs, TableAndSpace, (inputs, given) =>
    each(inputs, given['workload.table'], ({ index, name, entries }, { directMap }) => ({
      index,
      name,
      same: directMap === given['kernel.addressSpace'].pageOffsetBase ? entries : 0,
    })),
  ),
  /** kho_restore_page() (7.3): reference count 1; kho_init_folio(): compound above order 0. */
  'entries-restored': defineRule(Inputs, Table, (inputs, given) => {
    const nodeOf = nodeOfRanges(inputs.nodes)
    return each(inputs, given['workload.table'], ({ index, name, entries }, set) => ({
      index,
      name,
      entries:
        entries > LISTED_ENTRIES
          ? []
          : set.records.map(({ start, order }) => ({
              start,
              order,
              compound: order > 0,
              refcount: 1,
              node: nodeOf(fromHex(start) / PAGE_SIZE),
            })),
    }))
  }),
} satisfies Record<string, Rule>

export const nodeOfRanges = (nodes: readonly (readonly z.output<typeof Range>[])[]): NodeOf =>
  nodeOfPfn(nodes.map((spans) => spans.map(({ start, end }) => ({ start: fromHex(start), end: fromHex(end) }))))

/** What the sets of a table add to the tree: their pages as KHO splits them, the lists of entries, and the chunks. */
export function tableRecords(table: ProbeTable, nodeOf: NodeOf): Result<readonly PlainRecord[]> {
  const records: PlainRecord[] = []
  for (const set of table.sets) {
    if (recordsIn(set.records) !== set.entries)
      return err(`the ${set.entries} entries of ${set.name} lie too scattered to be listed`)
    if (set.kind === 'vmalloc' && set.areaPages === undefined) return err(tooScattered(set))
    for (const record of setRecords(set, nodeOf)) records.push(record)
    for (const { start, end } of [...set.listPages, ...set.areaChunks])
      for (let page = fromHex(start); page < fromHex(end); page += PAGE_SIZE) records.push({ start: page, order: 0 })
  }
  return ok(records)
}

function setRecords(set: TableSet, nodeOf: NodeOf): readonly PlainRecord[] {
  const plain = [...eachRecordIn(set.records)]
  switch (set.kind) {
    case 'folio':
      return plain
    case 'contiguous':
      return preserveRange(plain[0]?.start ?? 0, set.pages * PAGE_SIZE, nodeOf)
    case 'vmalloc': {
      const unit = orderBytes(set.areaOrder)
      return (set.areaPages ?? []).flatMap(({ start, end }) =>
        Array.from({ length: (fromHex(end) - fromHex(start)) / unit }, (_unused, index) =>
          preserveRange(fromHex(start) + index * unit, unit, nodeOf),
        ).flat(),
      )
    }
  }
}
