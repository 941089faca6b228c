import { z } from 'zod'
import { Hex } from './common.ts'
import { HopPhase, HopPhaseName } from './observation.ts'

/** What became of a set of pages over one kexec. */
export const Fate = z.enum(['stayed', 'moved', 'lost', 'not taken back'])
export type Fate = z.infer<typeof Fate>

/** One boot of a run in the row of all. */
const TimelineBoot = z.object({
  hop: z.int(),
  /** Physical address of the kernel's code, of the root FDT that it hands on, and the direct map's virtual address. */
  kernel: Hex.optional(),
  root: Hex.optional(),
  directMap: Hex.optional(),
  /** Sets of pages that the boot before had. */
  sets: z.array(z.object({ name: z.string(), pages: z.int(), fate: Fate, words: z.string() })),
  /** Of the kexec that began this boot. */
  phases: z.array(HopPhase),
  /** Steps of the workload in this boot. */
  steps: z.array(z.object({ step: z.string(), result: z.string(), ms: z.int() })),
})
export type TimelineBoot = z.infer<typeof TimelineBoot>

/** The boots of a run, and how long each phase of its kexecs took. Times mean little without the accelerator. */
export const Timeline = z.object({
  accelerator: z.enum(['kvm', 'tcg']),
  boots: z.array(TimelineBoot),
  spread: z.array(z.object({ phase: HopPhaseName, hops: z.int(), min: z.number(), median: z.number(), max: z.number() })),
})
export type Timeline = z.infer<typeof Timeline>
