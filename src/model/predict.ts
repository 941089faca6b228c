import type { Experiment, KernelFacts, PredictedClaim, Prediction } from '../shared/documents/index.ts'
import { bootsOf, contextOf, NOTHING_SUPPOSED, type Boot, type Supposed } from './boots.ts'
import { bootClaims, fitOfScratch } from './claims/boot.ts'
import { eitherWay } from './claims/only-if.ts'
import { firmwareClaims } from './claims/firmware.ts'
import { handoverClaims } from './claims/handover.ts'
import { kexecClaims } from './claims/kexec.ts'
import { firstLoaderClaims } from './claims/loader.ts'
import { luoClaims } from './claims/luo.ts'
import { memoryClaims } from './claims/memory.ts'
import { outcomeClaims } from './claims/outcome.ts'
import { invariantClaims, preservedClaims } from './claims/preserved.ts'
import { scratchClaims } from './claims/scratch.ts'
import { selftestClaims } from './claims/selftest.ts'
import { debugfsClaims, regionsDecidable, treeClaims } from './claims/tree.ts'
import { workloadClaims } from './claims/workload.ts'
import type { RuleContext } from './rule.ts'
import { ownTestClaims, unknownClaims } from './claims/unknown.ts'

/** Changes whenever the same experiment would be predicted differently. */
export const MODEL_VERSION = '4'

/** Digests that a pure function cannot make for itself. */
interface Digests {
  /** SHA-256 of the experiment's canonical JSON. */
  readonly experimentSha256: string
}

/**
 * Everything that the model claims about an experiment, from what is known before the guest starts.
 * `kernels`: one per boot (hops + 1), in order. Throws RangeError for another number.
 */
export function predict(experiment: Experiment, kernels: readonly KernelFacts[], digests: Digests): Prediction {
  if (kernels.length !== experiment.hops + 1) {
    throw new RangeError(`${kernels.length} kernels for ${experiment.hops + 1} boots`)
  }
  const context = contextOf(experiment, kernels)
  return {
    document: 'kho-lab/prediction',
    version: 1,
    experimentSha256: digests.experimentSha256,
    model: { version: MODEL_VERSION },
    kernels: [...kernels],
    // Also of boots that are not expected: the guest may come further than predicted.
    cmdlines: [...context.cmdlines],
    claims: claimsOfBoots(experiment, context, NOTHING_SUPPOSED),
  }
}

/** So many boots with new reserve_mem regions are claimed either way; each doubles the claims of those behind it. */
const OPEN_MAX = 3

/** Where it is left open which way a boot goes, what follows is claimed for either case, and which one it is by rule. */
function claimsOfBoots(experiment: Experiment, context: RuleContext, supposed: Supposed): PredictedClaim[] {
  const boots = bootsOf(experiment, context, supposed)
  for (const boot of boots) {
    const { hop } = boot
    const either = (id: string, suppose: (so: boolean) => Supposed): PredictedClaim[] => {
      const [so, not] = [true, false].map((is) => claimsOfBoots(experiment, context, suppose(is)))
      return eitherWay(id, so ?? [], not ?? [])
    }
    if (!supposed.fits.has(hop) && isLeftOpen(boot))
      return either(`hop${hop}.boot.kho`, (fits) => ({ ...supposed, fits: new Map([...supposed.fits, [hop, fits]]) }))
    if (supposed.regions.size < OPEN_MAX && !supposed.regions.has(hop) && regionsDecidable(boot))
      return either(`hop${hop}.tree.regions`, (kept) => ({ ...supposed, regions: new Map([...supposed.regions, [hop, kept]]) }))
  }
  return boots.flatMap(claimsOf)
}

function isLeftOpen(boot: Boot): boolean {
  if (boot.kho.kind !== 'on' || boot.kho.certain) return false
  const fit = fitOfScratch(boot)
  return !('value' in fit) && fit.kind === 'rule'
}

const claimsOf = (boot: Boot): readonly PredictedClaim[] =>
  boot.death === undefined ? claimsOfWholeBoot(boot) : outcomeClaims(boot)

const claimsOfWholeBoot = (boot: Boot): readonly PredictedClaim[] => [
  ...outcomeClaims(boot),
  ...bootClaims(boot),
  ...firmwareClaims(boot),
  ...(boot.hop === 0 ? firstLoaderClaims(boot) : []),
  ...khoClaims(boot),
  ...(boot.previous === undefined ? [] : kexecClaims(boot, boot.previous)),
  ...receivedClaims(boot),
  ...workloadClaims(boot),
  ...memoryClaims(boot),
  ...selftestClaims(boot),
]

function khoClaims(boot: Boot): readonly PredictedClaim[] {
  const { kho } = boot
  switch (kho.kind) {
    case 'off':
      return []
    case 'unknown':
      return unknownClaims(boot, kho.reason)
    case 'on':
      if (boot.kernel.hasOwnTests === true) return [...scratchClaims(boot, kho.behaviour, kho.received), ...ownTestClaims(boot)]
      return [
        ...scratchClaims(boot, kho.behaviour, kho.received),
        ...treeClaims(boot, kho),
        ...debugfsClaims(boot, kho),
        ...preservedClaims(boot, kho),
        ...invariantClaims(boot, kho),
        ...luoClaims(boot, kho),
      ]
  }
}

/** A kernel that can read the tree takes it, also with kho=off (kho_populate(), 7.3). */
function receivedClaims(boot: Boot): readonly PredictedClaim[] {
  const { previous } = boot
  const received = boot.kho.kind !== 'unknown' && boot.kho.received
  return received && previous?.kho.kind === 'on' ? handoverClaims(boot, previous, previous.kho) : []
}
