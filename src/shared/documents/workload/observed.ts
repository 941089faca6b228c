import { z } from 'zod'
import { Hex, PreservedRecord, Range, Sha256, reading } from '../common.ts'

/** Entries of one set, or preserved records, that documents list; of more there are counts and digests. */
export const LISTED_ENTRIES = 4096

const SetKind = z.enum(['folio', 'contiguous', 'vmalloc'])
export type SetKind = z.infer<typeof SetKind>

/** What khoprobe says of a set after a command. Counts of entries, except `pages`, `intact` and `managed`, which are pages. */
export const SetReport = z.object({
  name: z.string(),
  kind: SetKind,
  state: z.enum(['allocated', 'preserved', 'inherited', 'restored']),
  entries: z.int().min(0),
  pages: z.int().min(0),
  /** Over all entries in order: entries_hash() of qemu-images/khoprobe/report.c. */
  hash: Hex,
  intact: z.int().min(0).optional(),
  area: Hex.optional(),
  areaBefore: Hex.optional(),
  restored: z
    .object({
      restored: z.int().min(0),
      lost: z.int().min(0),
      orderDiffers: z.int().min(0),
      refcountDiffers: z.int().min(0),
      compoundDiffers: z.int().min(0),
      sameKva: z.int().min(0),
      managed: z.int(),
    })
    .optional(),
})
export type SetReport = z.infer<typeof SetReport>

/** What khoprobe says of one entry of a set: struct page as the running kernel has it. */
export const EntryReport = z.object({
  start: Hex,
  order: z.int().min(0),
  kva: Hex,
  hasOrder: z.int().min(0),
  compound: z.boolean(),
  refcount: z.int(),
  node: z.int(),
})
export type EntryReport = z.infer<typeof EntryReport>

/** One step of the workload as the guest carried it out. */
export const StepObservation = z.object({
  /** Place among the steps of this boot. */
  index: z.int().min(0),
  /** As in the experiment: `preserve driver`. */
  step: z.string(),
  /** The line that khoprobe was given. */
  command: z.string(),
  /** The errno's name, or ok. */
  result: z.string(),
  /** What khoprobe said of an error. */
  message: z.string().optional(),
  ms: z.int().min(0),
  set: SetReport.optional(),
  /** Of allocate and restore, for sets of up to 4096 entries. */
  entries: z.array(EntryReport).optional(),
  /** Of a function of KHO that was called for one entry: where that lies, and what the kernel answered. */
  call: z.object({ start: Hex, order: z.int().min(0), answer: z.string() }).optional(),
})
export type StepObservation = z.infer<typeof StepObservation>

export const WorkloadObservation = z.object({
  /** Sets that khoprobe found when it was loaded. */
  inherited: reading(z.array(SetReport)),
  steps: z.array(StepObservation),
  /** Sets after the last step. */
  left: reading(z.array(SetReport)),
})
export type WorkloadObservation = z.infer<typeof WorkloadObservation>

/** khoprobe's table as it lies in guest RAM. */
export const ProbeTableView = z.object({
  address: Hex,
  sets: z.array(
    z.object({
      name: z.string(),
      kind: SetKind,
      entries: z.int().min(0),
      pages: z.int().min(0),
      /** Where the kernel that wrote the table maps physical address 0; absent in runs that did not keep it. */
      directMap: Hex.optional(),
      hash: Hex,
      /**
       * All entries: in their order; of more than 4096 folios by address, neighbours joined; none where that takes more than
       * 4096 records.
       */
      records: z.array(PreservedRecord),
      /** Pages of the list of entries and of the chunks that lead to them, merged to ranges. */
      listPages: z.array(Range),
      /** The chunks by which KHO itself keeps a vmalloc area. */
      areaChunks: z.array(Range),
      /** Order of the pages of a vmalloc area. */
      areaOrder: z.int().min(0),
      /**
       * All pages of a vmalloc area as KHO lists them, by address: vmalloc_huge() rounds up to whole pages of its order, so they can
       * be more than were asked for. Absent where they are too scattered to be kept.
       */
      areaPages: z.array(Range).optional(),
    }),
  ),
})
export type ProbeTableView = z.infer<typeof ProbeTableView>

/** Pages of a set that the boot before did not preserve, hashed in guest RAM when it ended and when this one began. */
export const ControlGroup = z.object({
  name: z.string(),
  pages: z.int().min(0),
  before: Sha256,
  after: Sha256,
  /** Pages whose content changed. */
  changed: z.int().min(0),
})
export type ControlGroup = z.infer<typeof ControlGroup>
