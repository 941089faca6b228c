import type { PolicyId, StudyCase, StudyPrimitive } from '../../shared/documents/index.ts'
import { blockOrder } from '../pages/buddy.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { NONE, USE, useOf, type Pages } from '../pages/pages.ts'
import { boot, bootFailure, firstEarly } from './boot.ts'
import { addFolio, frameAt, PURPOSE, type FolioSet } from './folio-set.ts'
import { giveBack, obtain } from './memory.ts'
import { POLICIES } from './policies.ts'
import { handOver } from './simulate.ts'
import { createWorld } from './world.ts'

const ORDER = 3

/**
 * The driver's primitive of the mail on an otherwise idle machine: alloc_pages(GFP_KERNEL | GFP_COMP), to_kho, kexec,
 * from_kho, folio_put. Says what of the folio came through; a handover that fails says where.
 */
export function tryPrimitive(study: StudyCase, id: PolicyId): StudyPrimitive {
  const idle: StudyCase = {
    ...study,
    workload: { ...study.workload, vmShare: 0, driverFolios: 0, iommuPages: 0, slabShare: 0, cacheShare: 0, churn: 0 },
  }
  const policy = POLICIES[id]
  const world = createWorld(idle, policy, 1)
  const { pages, kept } = world
  const early = firstEarly(world)
  const impossible = bootFailure(world, early, 0)
  if (impossible !== undefined) return { policy: id, failedStep: impossible }
  boot(world, policy, early)
  const { zonelists } = world
  const folio = obtain(world, ORDER, MIGRATE.unmovable, (policy.marksAllocations ? zonelists.kho : zonelists.unmovable)[0] ?? [])
  addFolio(kept, {
    id: folio,
    frame: pages.folios.frame(folio),
    order: ORDER,
    purpose: PURPOSE.driver,
    fixed: false,
    marked: true,
  })
  const before = frameAt(pages, kept, 0)
  const { failed, next } = handOver(world, policy, 1)
  if (failed !== undefined || next?.ok !== true) return { policy: id, failedStep: failed ?? 'load-image' }
  world.running = next.running
  boot(world, policy, next.early)
  const after = frameAt(pages, kept, 0)
  const came = {
    order: blockOrder(pages, after) === ORDER,
    refcount: holders(pages, kept, after) === 1,
    gfp: useOf(pages, after) === USE.unmovable,
    frame: after === before,
    address: after === before && !study.machine.randomised,
  }
  const free = pages.work.freed
  giveBack(world, kept.ids[0] ?? NONE)
  return { policy: id, ...came, put: pages.work.freed === free + 1 }
}

/** References to the folio at `frame`: in the model, entries of the set that name it. */
function holders(pages: Pages, set: FolioSet, frame: number): number {
  let count = 0
  for (let at = 0; at < set.length; at++) if (frameAt(pages, set, at) === frame) count++
  return count
}
