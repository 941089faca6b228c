import { z } from 'zod'
import { PhaseName } from './observation.ts'

/** Milliseconds since the run began. */
const At = z.int().min(0)

/** What happened during a run, and when: steps of the lab, phases of its boots, and events of QEMU's monitor with their data as JSON. */
const KeptEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('step'), at: At, hop: z.int(), text: z.string() }),
  /** `ms` since the boot began. */
  z.object({ type: z.literal('phase'), at: At, hop: z.int(), phase: PhaseName, ms: z.number() }),
  z.object({ type: z.literal('qemu'), at: At, event: z.string(), data: z.string() }),
])
export type KeptEvent = z.infer<typeof KeptEvent>

/** events.json of a run: what a page is told while it goes on, so that a run that is opened again shows the same. */
export const RunEvents = z
  .object({
    document: z.literal('kho-lab/run-events'),
    version: z.literal(1),
    /** In order. */
    events: z.array(KeptEvent),
    /** Events left out in the middle, as there were too many. */
    leftOut: z.int().min(0),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/run-events.json', title: 'kho-lab events of a run' })
export type RunEvents = z.infer<typeof RunEvents>
