import type { PredictedClaim, Subject } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { claim, kho, unpredicted } from '../claim.ts'

const titles = {
  'scratch.count': 'Number of scratch regions',
  'scratch.sizes': 'Sizes of the scratch regions',
  'scratch.addresses': 'Addresses of the scratch regions',
  'tree.root': 'Root FDT',
  'preserved.records': 'Every preserved page of this boot',
} as const satisfies { readonly [S in Subject]?: string }

/** The subjects that a reader would look for, with the reason why the model is silent. */
export const unknownClaims = (boot: Boot, reason: string): readonly PredictedClaim[] => [
  claim(boot, 'scratch.count', titles['scratch.count'], kho('kho_reserve_scratch'), unpredicted(reason)),
  claim(boot, 'scratch.sizes', titles['scratch.sizes'], kho('scratch_size_update'), unpredicted(reason)),
  claim(boot, 'scratch.addresses', titles['scratch.addresses'], kho('kho_reserve_scratch'), unpredicted(reason)),
  claim(boot, 'tree.root', titles['tree.root'], kho('kho_add_subtree'), unpredicted(reason)),
  claim(boot, 'preserved.records', titles['preserved.records'], kho('kho_radix_add_key'), unpredicted(reason)),
]

const OWN_TESTS = 'this kernel has tests of KHO or LUO built in, which preserve memory of their own at random; not modelled'

/** What a kernel with its own tests hands over is left to them. */
export const ownTestClaims = (boot: Boot): readonly PredictedClaim[] => [
  claim(boot, 'tree.root', titles['tree.root'], kho('kho_add_subtree'), unpredicted(OWN_TESTS)),
  claim(boot, 'preserved.records', titles['preserved.records'], kho('kho_radix_add_key'), unpredicted(OWN_TESTS)),
]
