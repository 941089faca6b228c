import type { FailedStep, PolicyId } from '../../shared/documents/index.ts'
import type { FrameRange } from '../pages/populate.ts'
import type { World } from './world.ts'

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

export type KhoAnswer = 'accepted' | 'migrate' | 'refused'

/** Where the next kernel boots, or the step at which there is none. */
export type NextKernel =
  | { readonly ok: true; readonly early: readonly FrameRange[]; readonly copiedFrames: number; readonly running: number }
  | { readonly ok: false; readonly step: FailedStep }

/** A way to make sure that a kernel can always boot the next one. One file each; docs/policies.md has a page for each. */
export interface Policy {
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
  /** After booting, before anything runs. */
  readonly settle: (world: World) => void
  /** What to_kho() does with the folio at this position of {@link World.kept}. */
  readonly toKho: (world: World, at: number, frame: number) => KhoAnswer
  /** Chooses and prepares the next kernel's place. May migrate. */
  readonly next: (world: World) => NextKernel
  /** Frames that ordinary unmovable allocations may not use. */
  readonly heldBack: (world: World) => number
}
