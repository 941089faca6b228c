/** Names of the policy lab without the schemas around them, for pages that draw and let choose. */

/** The designs that the policy lab compares, in the order of their numbers in docs/policies.md. */
export const POLICY_IDS = [
  'purgatory',
  'ab-simple',
  'ab-both',
  'ab-late',
  'gfp-kho',
  'to-kho',
  'zone-switch',
  'scratch',
  'scratch-extended',
] as const

/** What a piece of memory is in a map, in the order of its digits. */
export const STUDY_MAP_KINDS = ['free', 'movable', 'kernel', 'boot', 'vm', 'state', 'overwritten'] as const
export type StudyMapKind = (typeof STUDY_MAP_KINDS)[number]

/** The numbers that a study may vary. */
export const SWEEPABLE = [
  'boot.image',
  'boot.footprint',
  'boot.perFolio',
  'boot.drivers',
  'boot.preservedDrivers',
  'boot.region',
  'machine.memory',
  'workload.vmShare',
  'workload.vmPinned',
  'workload.driverFolios',
  'workload.driverFixed',
  'workload.iommuPages',
  'workload.marked',
  'workload.slabShare',
  'workload.cacheShare',
  'workload.churn',
  'workload.turnover',
  'workload.growth',
] as const
