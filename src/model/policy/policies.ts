import type { PolicyId } from '../../shared/documents/index.ts'
import { abBoth } from './ab-both.ts'
import { abLate } from './ab-late.ts'
import { abSimple } from './ab-simple.ts'
import { gfpKho } from './gfp-kho.ts'
import type { Policy } from './policy.ts'
import { purgatory } from './purgatory.ts'
import { scratchExtended } from './scratch-extended.ts'
import { scratch } from './scratch.ts'
import { toKho } from './to-kho.ts'
import { zoneSwitch } from './zone-switch.ts'

export const POLICIES: Readonly<Record<PolicyId, Policy>> = {
  purgatory: purgatory,
  'ab-simple': abSimple,
  'ab-both': abBoth,
  'ab-late': abLate,
  'gfp-kho': gfpKho,
  'to-kho': toKho,
  'zone-switch': zoneSwitch,
  scratch: scratch,
  'scratch-extended': scratchExtended,
}
