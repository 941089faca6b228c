import { z } from 'zod'
import { StudyFile, StudyMap, StudyPrimitive, StudyRow } from './documents/index.ts'
import { STUDY_FORMATS } from './study-formats.ts'
import { WireError } from './wire-error.ts'

/** Cells of a map on a page. */
export const MAP_CELLS = 512
/** Generations that a page can show; beyond it the terminal and its CSV are the place. */
export const MOST_GENERATIONS = 20_000

export const StudyRunId = z.string().regex(/^study-[1-9][0-9]{0,8}$/)

/** What happens while a study runs, in order. */
export const StudyEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('generation'), row: StudyRow, map: StudyMap.optional() }),
  z.object({ type: z.literal('progress'), percent: z.number(), secondsLeft: z.number().optional() }),
  z.object({
    type: z.literal('finished'),
    primitives: z.array(StudyPrimitive),
    /** Simulations that were cancelled before their end. */
    unfinished: z.array(StudyRow.pick({ policy: true, value: true, seed: true })),
  }),
  z.object({ type: z.literal('failed'), error: WireError }),
])
export type StudyEvent = z.infer<typeof StudyEvent>

/** A study that comes with the lab. One that cannot be read is listed with the reason instead of its content. */
export const StudyListing = z.object({
  id: z.string(),
  name: z.string(),
  study: StudyFile.optional(),
  problem: z.string().optional(),
})
export type StudyListing = z.infer<typeof StudyListing>

export const StudyRunListing = z.object({
  id: StudyRunId,
  study: StudyFile,
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
})
export type StudyRunListing = z.infer<typeof StudyRunListing>

const Nothing = z.strictObject({})

/** What pages may ask of the policy lab; a part of the contract. */
export const studyRequests = {
  'study:list': { in: Nothing, out: z.array(StudyListing) },
  /** `study` has the form of a study file; what is wrong with it is said by key. */
  'study:start': { in: z.strictObject({ study: z.json() }), out: StudyRunListing },
  'study:cancel': { in: z.strictObject({ id: StudyRunId }), out: z.object({ cancelled: z.boolean() }) },
  /** The studies of this lab since it was started, newest first. */
  'study:runs': { in: Nothing, out: z.array(StudyRunListing) },
  /** Everything that happened so far. */
  'study:events': { in: z.strictObject({ id: StudyRunId }), out: z.array(StudyEvent) },
  'study:report': {
    in: z.strictObject({ id: StudyRunId, format: z.enum(STUDY_FORMATS) }),
    out: z.object({ name: z.string(), mediaType: z.string(), text: z.string() }),
  },
} as const

export const studyEvents = {
  /** Gathered, some times a second. */
  'study:event': z.object({ id: StudyRunId, events: z.array(StudyEvent) }),
} as const
