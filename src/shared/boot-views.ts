import { z } from 'zod'
import { Slots } from './documents/index.ts'
import { MEMORY_KINDS } from './palette.ts'

/** What pages draw of one boot of a run: its physical memory, and its handover tree. */

/** Ranges of one kind, as columns, ascending by start: ranges [starts[i], ends[i]) called `texts[labels[i]]`. */
const MapRanges = z.object({
  kind: z.enum(MEMORY_KINDS),
  starts: z.array(z.number()),
  ends: z.array(z.number()),
  labels: z.array(z.number()),
})
export type MapRanges = z.infer<typeof MapRanges>

export const MapLane = z.object({
  name: z.enum(['predicted', 'guest', 'host', 'difference']),
  ranges: z.array(MapRanges),
  /** What the lane cannot show, in words. */
  missing: z.array(z.string()),
})
export type MapLane = z.infer<typeof MapLane>

/** Physical memory of one boot as each side has it. Addresses in bytes, ends exclusive. */
export const RunMap = z.object({
  hop: z.int(),
  /** End of everything that is RAM; the map goes on as far as there are ranges. */
  ramEnd: z.number(),
  lanes: z.array(MapLane),
  texts: z.array(z.string()),
  /** NUMA nodes, zones, and page blocks of migratetype CMA. */
  bands: z.array(z.object({ row: z.enum(['node', 'zone', 'cma']), name: z.string(), start: z.number(), end: z.number() })),
})
export type RunMap = z.infer<typeof RunMap>

/** Bytes, end exclusive. */
const Span = z.object({ start: z.number(), end: z.number() })

const KhoField = z.object({
  offset: z.int(),
  length: z.int(),
  depth: z.int(),
  name: z.string(),
  text: z.string(),
  /** Set where the value is a physical address that leads on. */
  address: z.number().optional(),
})
export type KhoField = z.infer<typeof KhoField>

/** One structure as one observer has it: `in` is what this kernel was given, `out` what it will pass on. */
const KhoCopy = z.object({
  side: z.enum(['in', 'out']),
  by: z.enum(['guest', 'RAM']),
  /** The file in the guest, or how it was found in RAM. */
  source: z.string(),
  address: z.number().optional(),
  size: z.int(),
  sha256: z.string(),
  hex: z.string().optional(),
  fields: z.array(KhoField),
  /** Why not all of it could be decoded. */
  problem: z.string().optional(),
})
export type KhoCopy = z.infer<typeof KhoCopy>

/** The handover tree of one boot as the kernel holds it. */
export const RunKho = z.object({
  hop: z.int(),
  structures: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      copies: z.array(KhoCopy),
      /** Copies that were looked for and not read, each with the reason. */
      absent: z.array(z.object({ side: z.enum(['in', 'out']), by: z.enum(['guest', 'RAM']), reason: z.string() })),
    }),
  ),
  scratch: z.array(z.object({ name: z.string(), start: z.number(), size: z.number(), by: z.enum(['guest', 'RAM']) })),
  /** The radix tree of preserved memory, read in guest RAM; or why it was not. */
  radix: z.union([
    z.object({
      root: z.number(),
      nodeCount: z.int(),
      recordCount: z.int(),
      pageCount: z.int(),
      complete: z.boolean(),
      nodes: z.array(z.object({ address: z.number(), level: z.int(), slots: Slots })),
      records: z.array(
        z.object({
          start: z.number(),
          order: z.int(),
          /** As many records one behind the other; the way is that of the first. */
          count: z.int().optional(),
          /** The way to it: slot of level 5, 4, 3, 2 and 1, bit of level 0. */
          path: z.array(z.int()),
          owner: z.string().optional(),
        }),
      ),
    }),
    z.object({ unobserved: z.string() }),
  ]),
  /** LUO sessions that this boot was handed, decoded in guest RAM before anything opened /dev/liveupdate. */
  sessions: z
    .union([
      z.object({
        address: z.number().optional(),
        pageCount: z.int(),
        files: z.array(
          z.object({
            session: z.string(),
            token: z.int(),
            compatible: z.string(),
            size: z.int().optional(),
            folios: z.int().optional(),
            intactPages: z.int().optional(),
            /** Where it lies, where that is known: the handler's structure, its lists, its folios in the order of the file. */
            state: z.number().optional(),
            lists: z.array(Span).optional(),
            folioRanges: z.array(Span).optional(),
            /** Ranges of folios that were not kept. */
            more: z.int().optional(),
          }),
        ),
        names: z.array(z.string()),
      }),
      z.object({ unobserved: z.string() }),
    ])
    .optional(),
  /** Sets that khoprobe hands over, as its table in guest RAM has them, with the pages of their lists and vmalloc chunks. */
  sets: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      entries: z.int(),
      pages: z.int(),
      hash: z.string(),
      areaOrder: z.int(),
      lists: z.array(Span),
      /** The kho_vmalloc chunks by which KHO keeps a vmalloc area. */
      chunks: z.array(Span),
    }),
  ),
})
export type RunKho = z.infer<typeof RunKho>

/** The rule of one claim as it was fixed before the guest started. */
export const RunRule = z.object({
  /** In a sentence; absent for a subject of another release of the model. */
  words: z.string().optional(),
  kind: z.enum(['value', 'rule', 'unpredicted']),
  rule: z.string().optional(),
  /** JSON, indented. */
  inputs: z.string().optional(),
  given: z.array(z.string()),
  /** Why there is no rule. */
  reason: z.string().optional(),
  /** Functions of the basis, each with the command that shows it in a kernel tree. */
  sources: z.array(z.object({ name: z.string(), file: z.string(), release: z.string(), command: z.string().optional() })),
})
export type RunRule = z.infer<typeof RunRule>
