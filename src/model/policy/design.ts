import type { PolicyId } from '../../shared/documents/index.ts'

/** Zone (ZONE.*) and migratetype (MIGRATE.*) that a boot region gets when a kernel starts. */
export interface RegionKind {
  readonly zone: number
  readonly type: number
}

/** Kinds of zone in the order in which they are tried. */
export interface ZoneKinds {
  readonly unmovable: readonly number[]
  readonly movable: readonly number[]
  readonly kho: readonly number[]
}

/** What a policy lays down before anything runs: everything of it that does not look at a world. */
export interface Design {
  readonly id: PolicyId
  readonly title: string
  /** How many boot regions are set aside when the machine first starts. */
  readonly regions: 0 | 1 | 2
  /** The kernel boots in its region alone; the rest of memory, and what was handed over in it, is added later. */
  readonly restComesLate: boolean
  /** False where the design itself lets a kernel boot over pages that were handed over. */
  readonly sound: boolean
  /** Code that allocates says whether the page will be handed over (GFP_KHO); what is marked takes the `kho` zones. */
  readonly marksAllocations: boolean
  /** What region `index` is while `running` is the region of the running kernel. */
  readonly region: (index: number, running: number) => RegionKind
  readonly zones: ZoneKinds
}
