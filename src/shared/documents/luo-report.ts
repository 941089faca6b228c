import { z } from 'zod'
import { Hex, Range, reading } from './common.ts'

/** One operation of the guest's `luo` tool: what was asked, the errno (0: done), and what it said besides. */
export const LuoOperation = z.object({ op: z.string(), error: z.int().min(0), detail: z.string().optional() })
export type LuoOperation = z.infer<typeof LuoOperation>

const LuoFileView = z.object({
  token: z.int(),
  compatible: z.string(),
  /** Of a memfd. */
  size: z.int().optional(),
  folios: z.int().optional(),
  /** Pages whose every word is that of the pattern which the experiment gives this token. */
  intactPages: z.int().optional(),
})

/** The sessions that the boot before handed over, decoded from guest RAM before anything opened /dev/liveupdate. */
export const LuoIncoming = reading(
  z.object({
    /** First kho_block of the sessions; absent when there is no session. */
    address: Hex.optional(),
    sessions: z.array(z.object({ name: z.string(), files: z.array(LuoFileView) })),
    /** Where the files of a handler that is known lie, as far as they are kept. */
    places: z
      .array(
        z.object({
          session: z.string(),
          token: z.int(),
          /** The handler's own structure. */
          state: Hex,
          /** Of the list of folios. */
          lists: z.array(Range),
          /** Folios in the order of the file, neighbours as one range. */
          folios: z.array(Range),
          /** Ranges that are not kept. */
          more: z.int().min(0),
        }),
      )
      .optional(),
    /** Pages of every structure and folio that follow from the sessions, with the order 0 that each has. */
    pageCount: z.int(),
  }),
)
export type LuoIncoming = z.infer<typeof LuoIncoming>
