import { z } from 'zod'
import { Basis, JsonValue, Sha256 } from './common.ts'
import { KernelBuildFacts } from './kernel-build-facts.ts'

/**
 * What a claim predicts:
 * - `value`: known before the guest starts;
 * - `rule`: a function of the model with fixed inputs, applied later to values that are `given` by the guest
 *   (for example the scratch array as measured at boot); which rule and which inputs is fixed before the guest starts;
 * - `unpredicted`: the model has no rule, and says why.
 */
export const ClaimPrediction = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('value'), value: JsonValue }),
  z.object({ kind: z.literal('rule'), rule: z.string(), inputs: JsonValue, given: z.array(z.string()).min(1) }),
  z.object({ kind: z.literal('unpredicted'), reason: z.string().min(1) }),
])
export type ClaimPrediction = z.infer<typeof ClaimPrediction>

export const PredictedClaim = z.object({
  /** `hop<h>.<subject>` or `hop<h>.<subject>.<part>`; unique among the claims of a prediction that apply. */
  id: z.string().regex(/^hop\d+\.[A-Za-z0-9.-]+$/),
  /** What is claimed; compare knows how to find it in an observation. */
  subject: z.string(),
  /** Which of several things the claim is about, where its subject has them: `node0.DMA32`. */
  part: z.string().optional(),
  /** Groups claims in reports: boot, firmware, scratch, tree, preserved, kexec, handover, invariant, debugfs. */
  family: z.string(),
  /** 0 is the first boot, h the kernel that the h-th kexec started. */
  hop: z.int().min(0),
  title: z.string(),
  basis: z.array(Basis).min(1),
  prediction: ClaimPrediction,
  /**
   * Claimed only where these claims are predicted to be so once their given values are known: with KASLR it can depend on what was
   * drawn whether scratch fits, and so whether there is a tree at all. A claim that stays open counts as true.
   */
  onlyIf: z
    .array(z.strictObject({ claim: z.string(), is: z.boolean() }))
    .min(1)
    .optional(),
  /** Set where the predicted behaviour is a defect of the kernel: the finding that a match confirms. */
  finding: z.string().optional(),
})
export type PredictedClaim = z.infer<typeof PredictedClaim>

/** What is known about one kernel image before it boots. Taken from the files, never from a guest. */
export const KernelFacts = z.object({
  /** `uname -r`, from the bzImage header's kernel_version string. */
  release: z.string(),
  bzImageSha256: Sha256,
  /** Bytes of the initrd file handed to the boot loader, all cpio parts together. */
  initrdSize: z.int().min(0),
  header: z.object({
    initSize: z.int(),
    prefAddress: z.int(),
    kernelAlignment: z.int(),
    relocatable: z.boolean(),
    setupSects: z.int(),
    version: z.int(),
  }),
  /** Bytes in memory of the kernel's purgatory, page-rounded; absent when the kernel was not built by the lab. */
  purgatorySize: z.int().optional(),
  /** SHA-256 of the kernel's .config, where it is known. */
  configSha256: Sha256.optional(),
  /** Absent when the kernel was not built by the lab. */
  build: KernelBuildFacts.optional(),
  /** CONFIG_TEST_KEXEC_HANDOVER or CONFIG_LIVEUPDATE_TEST: this kernel preserves memory of its own for its tests. */
  hasOwnTests: z.boolean().optional(),
  /** CONFIG_KEXEC_HANDOVER_DEBUG: this kernel refuses to preserve what lies in scratch. Absent where the configuration is not known. */
  checksScratch: z.boolean().optional(),
})
export type KernelFacts = z.infer<typeof KernelFacts>

export const Prediction = z
  .object({
    document: z.literal('kho-lab/prediction'),
    version: z.literal(1),
    /** SHA-256 of the canonical JSON of the experiment that this predicts. */
    experimentSha256: Sha256,
    model: z.object({ version: z.string() }),
    kernels: z.array(KernelFacts),
    /** The full command line of each boot. */
    cmdlines: z.array(z.string()),
    claims: z.array(PredictedClaim),
  })
  .meta({ id: 'https://kho-lab.invalid/schema/prediction.json', title: 'kho-lab prediction' })
export type Prediction = z.infer<typeof Prediction>

/** A claim after its given values are known. */
export interface ResolvedClaim extends PredictedClaim {
  /** Present unless the claim is unpredicted. */
  readonly predicted?: z.infer<typeof JsonValue>
  /** The given values that were used, by name. */
  readonly givenValues: { readonly [name: string]: z.infer<typeof JsonValue> }
  /** Why there is no predicted value: the model has no rule, or a given value was not observed. */
  readonly unpredicted?: { readonly kind: 'no-rule' | 'given-missing'; readonly reason: string }
}
