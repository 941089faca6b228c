import { z } from 'zod'
import { Basis, JsonValue, Sha256 } from './common.ts'
import { RunEnvironment } from './observation.ts'
import { Timeline } from './timeline.ts'

export const Verdict = z.enum(['match', 'differ', 'unobserved', 'unpredicted'])
export type Verdict = z.infer<typeof Verdict>

/** agreed: nothing differs and everything predicted was observed; incomplete: something was not observed; lost: the guest did not reach the end. */
export const RunVerdict = z.enum(['agreed', 'disagreed', 'incomplete', 'lost'])
export type RunVerdict = z.infer<typeof RunVerdict>

/** One side of a claim: a value, or why there is none. */
export const Side = z.union([z.object({ value: JsonValue }), z.object({ unobserved: z.string().min(1) })])
export type Side = z.infer<typeof Side>

export const ComparedClaim = z.object({
  id: z.string(),
  subject: z.string(),
  family: z.string(),
  hop: z.int(),
  title: z.string(),
  /** The predicted value; absent when unpredicted. */
  predicted: JsonValue.optional(),
  guest: Side,
  host: Side,
  verdict: Verdict,
  /** One sentence that a person can act on. */
  reason: z.string(),
  basis: z.array(Basis),
  /** Values measured in the guest that the prediction started from, by name. */
  given: z.record(z.string(), JsonValue),
  finding: z.string().optional(),
})
export type ComparedClaim = z.infer<typeof ComparedClaim>

/** A defect of the kernel that the model knows, and whether this run showed it. */
export const Finding = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['confirmed', 'refuted', 'not-observed']),
  /** What guest and host each showed, in words. */
  words: z.string(),
  hop: z.int(),
  claim: z.string(),
  basis: z.array(Basis),
})
export type Finding = z.infer<typeof Finding>

export const Summary = z.object({
  match: z.int(),
  differ: z.int(),
  unobserved: z.int(),
  unpredicted: z.int(),
  run: RunVerdict,
})
export type Summary = z.infer<typeof Summary>

export const Comparison = z
  .object({
    document: z.literal('kho-lab/comparison'),
    version: z.literal(1),
    experiment: z.object({ name: z.string(), sha256: Sha256 }),
    /** SHA-256 of prediction.json's canonical JSON, taken before QEMU was started, and when. */
    prediction: z.object({ sha256: Sha256, at: z.iso.datetime() }),
    /** Rules applied to given values: what had been derived, and when, before each kexec. */
    resolutions: z.array(z.object({ hop: z.int(), sha256: Sha256, at: z.iso.datetime() })),
    environment: RunEnvironment,
    summary: Summary,
    claims: z.array(ComparedClaim),
    findings: z.array(Finding),
    /** A sentence for each kexec that was not simply a handover that was taken; absent where all were, and in earlier comparisons. */
    outcomes: z.array(z.string()).optional(),
    /** Absent where there was one boot only, and in comparisons of earlier releases of the lab. */
    timeline: Timeline.optional(),
    /** Why the run ended early, in one sentence; absent when it went to its end. */
    lost: z.string().optional(),
    /** How the run ended before its last boot, where that was predicted: a kernel that was refused, or one that panicked. */
    ended: z.string().optional(),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/comparison.json', title: 'kho-lab comparison' })
export type Comparison = z.infer<typeof Comparison>
