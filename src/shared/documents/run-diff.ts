import { z } from 'zod'
import { JsonValue } from '../json.ts'
import { RunVerdict, Verdict } from './comparison.ts'

/** Two values of one thing, `a` of the first run and `b` of the second; absent where a run has none. */
const Pair = z.object({ a: JsonValue.optional(), b: JsonValue.optional() })

export const ClaimChange = z.object({
  id: z.string(),
  subject: z.string(),
  hop: z.int(),
  title: z.string(),
  /** Absent in a run that does not make the claim. */
  verdict: z.object({ a: Verdict.optional(), b: Verdict.optional() }),
  /** What was predicted, what the guest and what the host showed, where the two runs do not have the same. */
  values: z.array(Pair.extend({ side: z.enum(['predicted', 'guest', 'host']), words: z.string() })),
})
export type ClaimChange = z.infer<typeof ClaimChange>

const RunSide = z.object({
  name: z.string(),
  startedAt: z.iso.datetime(),
  kernel: z.string(),
  verdict: RunVerdict,
  claims: z.int(),
})

/** What changed from one run to another: another kernel, another day, another machine. */
export const RunDiff = z
  .object({
    document: z.literal('kho-lab/run-diff'),
    version: z.literal(1),
    a: RunSide,
    b: RunSide,
    /** Where and with what the runs took place, where that differs: `kernel`, `experiment.machine.memory`, … */
    circumstances: z.array(Pair.extend({ what: z.string() })),
    /** Claims whose verdict changed, or that one of the runs does not make. */
    verdicts: z.array(ClaimChange),
    /** Claims with the same verdict and another value. */
    values: z.array(ClaimChange),
    findings: z.array(
      z.object({ id: z.string(), hop: z.int(), title: z.string(), a: z.string().optional(), b: z.string().optional() }),
    ),
    /** Numbers of both runs side by side, whether they differ or not. */
    figures: z.array(z.object({ what: z.string(), unit: z.string(), a: z.number().optional(), b: z.number().optional() })),
    /** Claims that are the same in both. */
    same: z.int(),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/run-diff.json', title: 'kho-lab difference of two runs' })
export type RunDiff = z.infer<typeof RunDiff>
