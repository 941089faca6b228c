import type { FailedStep } from '../../shared/documents/index.ts'
import type { FrameRange } from '../pages/populate.ts'
import type { Design } from './design.ts'
import type { World } from './world.ts'

export type KhoAnswer = 'accepted' | 'migrate' | 'refused'

/** Where the next kernel boots, or the step at which there is none. */
export type NextKernel =
  | { readonly ok: true; readonly early: readonly FrameRange[]; readonly copiedFrames: number; readonly running: number }
  | { readonly ok: false; readonly step: FailedStep }

/** A way to make sure that a kernel can always boot the next one. One file each; docs/policies.md has a page for each. */
export interface Policy extends Design {
  /** After booting, before anything runs. */
  readonly settle: (world: World) => void
  /** What to_kho() does with the folio at this position of {@link World.kept}. */
  readonly toKho: (world: World, at: number, frame: number) => KhoAnswer
  /** Chooses and prepares the next kernel's place. May migrate. */
  readonly next: (world: World) => NextKernel
  /** Frames that ordinary unmovable allocations may not use. */
  readonly heldBack: (world: World) => number
}
