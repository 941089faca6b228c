import type { Basis } from '../../shared/documents/index.ts'
import { KHO_BOOT } from '../boot/kho-boot.ts'
import { FIRST_BOOT, type BootStep } from '../boot/schedule.ts'

const basisOf = (steps: readonly BootStep[]): readonly Basis[] => [
  ...new Map(steps.map(({ basis }) => [basis.function, basis])).values(),
]

/** Every early reservation has a part in where scratch lies. */
export const SCHEDULE = basisOf(FIRST_BOOT)
/** The same of a boot with a handover. */
export const KHO_SCHEDULE = basisOf(KHO_BOOT)
