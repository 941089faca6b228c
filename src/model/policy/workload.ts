import { GiB, PAGE_SIZE } from '../../shared/units.ts'
import { allocate } from '../pages/allocate.ts'
import { framesOf, MAX_PAGE_ORDER } from '../pages/frame-bits.ts'
import { MIGRATE } from '../pages/migratetype.ts'
import { pinLongTerm } from '../pages/migrate.ts'
import { NONE } from '../pages/pages.ts'
import { addFolio, frameAt, PURPOSE, removeFolio, type Purpose } from './folio-set.ts'
import { dropFromPool, giveBack, obtain } from './memory.ts'
import { addToPool, type Pool, type World } from './world.ts'

/** Orders of page cache and anonymous memory: mostly single pages and small folios by number, huge pages by weight. */
const CACHE_ORDERS = [0, 0, 2, 2, 4, 4, 6, 9, 9] as const
/** Page tables are single pages; most slab caches take blocks of order 3 (slub_max_order, mm/slub.c, 7.3). */
const SLAB_ORDERS = [0, 0, 2, 3, 3, 3] as const
const DRIVER_ORDERS = [0, 0, 0, 0, 1, 2, 3] as const
/** Everything grows side by side, so that it mixes in memory as it would in time. */
const ROUNDS = 16

export const vmOrder = (world: World): number => (world.study.workload.vmFolio === '1GiB' ? Math.log2(GiB / PAGE_SIZE) : 9)

/** What runs during one generation: handed-over folios come and go, the set grows, cache and slab fill up and churn. */
export function runWorkload(world: World): void {
  const { workload } = world.study
  turnOver(world)
  const growth = (1 + workload.growth) ** world.generation
  const wanted = (purpose: Kept): number => Math.floor(growth * usual(world, purpose))
  const have = census(world)
  for (let round = 1; round <= ROUNDS; round++) {
    const part = round / ROUNDS
    for (const purpose of KEPT) {
      const missing =
        Math.floor((wanted(purpose) - have[purpose]) * part) -
        Math.floor(((wanted(purpose) - have[purpose]) * (round - 1)) / ROUNDS)
      for (let made = 0; made < missing; made++) if (!keepOne(world, purpose)) break
    }
    fill(world.slab, workload.slabShare * world.pages.frames * part, () => growSlab(world))
    fill(world.cache, workload.cacheShare * world.pages.frames * part, () => growCache(world))
    churn(world, Math.floor(workload.churn / ROUNDS))
  }
}

/** Folios that booting itself allocates and that will be handed over, and what booting keeps for itself. */
export function allocateAtBoot(world: World): void {
  const { boot, workload } = world.study
  const zones = world.zonelists.unmovable[0] ?? []
  for (let frames = 0; frames < boot.drivers / PAGE_SIZE;) {
    const order = pick(world, SLAB_ORDERS)
    if (allocate(world.pages, order, MIGRATE.unmovable, zones) === NONE) world.tally.allocationFailures++
    frames += framesOf(order)
  }
  const anew = world.generation === 0 ? 1 : workload.turnover
  for (let made = 0; made < Math.floor(workload.driverFolios * boot.preservedDrivers * anew); made++)
    keepOne(world, PURPOSE.driver, true)
}

/** Small unmovable pages, one for each node of the radix tree that will say what is handed over. False when there is no memory. */
export function allocateMetadata(world: World): boolean {
  const nodes = radixNodes(world)
  for (let made = 0; made < nodes; made++) if (!keep(world, PURPOSE.metadata, 0, true, world.zonelists.kho[0] ?? [])) return false
  return true
}

const KEPT = [PURPOSE.driver, PURPOSE.iommu, PURPOSE.vm] as const
type Kept = (typeof KEPT)[number]

const pick = (world: World, orders: readonly number[]): number => orders[world.random.below(orders.length)] ?? 0
const anyNode = (world: World): number => (world.study.machine.nodes === 1 ? 0 : world.random.below(world.study.machine.nodes))

/** How many folios of a purpose there are before any growth. */
function usual(world: World, purpose: Kept): number {
  const { workload } = world.study
  switch (purpose) {
    case PURPOSE.vm:
      return (workload.vmShare * world.pages.frames) / framesOf(vmOrder(world))
    case PURPOSE.driver:
      return workload.driverFolios
    case PURPOSE.iommu:
      return workload.iommuPages
  }
}

function census({ kept }: World): Record<Purpose, number> {
  const counts = { [PURPOSE.vm]: 0, [PURPOSE.driver]: 0, [PURPOSE.iommu]: 0, [PURPOSE.metadata]: 0 }
  for (let at = 0; at < kept.length; at++) counts[(kept.purposes[at] ?? 0) as Purpose]++
  return counts
}

/** A share of the folios ends: their memory is free again wherever it was. */
function turnOver(world: World): void {
  const { kept, random, study } = world
  for (let at = kept.length - 1; at >= 0; at--) {
    if (!random.chance(study.workload.turnover)) continue
    giveBack(world, kept.ids[at] ?? NONE)
    removeFolio(kept, at)
  }
}

function keepOne(world: World, purpose: Kept, atBoot = false): boolean {
  if (purpose === PURPOSE.vm) return keepVm(world)
  const marked = world.design.marksAllocations && world.random.chance(world.study.workload.marked)
  // What may not come from the boot region waits until there is other memory.
  const zones = marked ? world.zonelists.kho : world.zonelists.unmovable
  const list = zones[atBoot ? 0 : anyNode(world)] ?? []
  const order = purpose === PURPOSE.iommu ? 0 : pick(world, DRIVER_ORDERS)
  if (atBoot && marked) return false
  return keep(world, purpose, order, marked, list)
}

function keep(world: World, purpose: Purpose, order: number, marked: boolean, zones: readonly number[]): boolean {
  const id = obtain(world, order, MIGRATE.unmovable, zones)
  if (id === NONE) return false
  const fixed = purpose !== PURPOSE.driver || world.random.chance(world.study.workload.driverFixed)
  addFolio(world.kept, { id, frame: world.pages.folios.frame(id), order, purpose, fixed, marked })
  return true
}

/** Guest memory is movable until it is pinned; pinning moves it to where pinned memory may be. */
function keepVm(world: World): boolean {
  const { pages, design, random, study, zonelists } = world
  const node = anyNode(world)
  const order = vmOrder(world)
  const gigantic = order > MAX_PAGE_ORDER
  const marked = gigantic || (design.marksAllocations && random.chance(study.workload.marked))
  const id = obtain(world, order, MIGRATE.movable, (marked ? zonelists.kho : zonelists.movable)[node] ?? [])
  if (id === NONE) return false
  const pinned = gigantic || random.chance(study.workload.vmPinned)
  if (pinned && typeof pinLongTerm(pages, pages.folios.frame(id), zonelists.kho[node] ?? []) !== 'number') {
    giveBack(world, id)
    world.tally.allocationFailures++
    return false
  }
  addFolio(world.kept, { id, frame: pages.folios.frame(id), order, purpose: PURPOSE.vm, fixed: pinned, marked })
  return true
}

function fill(pool: Pool, frames: number, grow: () => boolean): void {
  while (pool.frames < frames) if (!grow()) return
}

/** Cache only takes what is left: it never pushes itself out. False when nothing is left. */
function growCache(world: World): boolean {
  const { pages, zonelists, cache } = world
  const order = pick(world, CACHE_ORDERS)
  const node = anyNode(world)
  const id = pages.folios.add(NONE)
  const frame = allocate(pages, order, MIGRATE.movable, zonelists.movable[node] ?? [], id)
  if (frame === NONE) {
    pages.folios.remove(id)
    return false
  }
  pages.folios.move(id, frame)
  addToPool(cache, id)
  cache.frames += framesOf(order)
  return true
}

function growSlab(world: World): boolean {
  const { zonelists, slab, random } = world
  const order = pick(world, SLAB_ORDERS)
  const node = anyNode(world)
  const type = random.chance(0.3) ? MIGRATE.reclaimable : MIGRATE.unmovable
  const id = obtain(world, order, type, zonelists.unmovable[node] ?? [])
  if (id === NONE) return false
  addToPool(slab, id)
  slab.frames += framesOf(order)
  return true
}

/** Frees and allocates in turn, five times as much cache as slab. */
function churn(world: World, operations: number): void {
  const { cache, slab, random } = world
  for (let done = 0; done < operations; done += 2) {
    const isSlab = random.below(6) === 0
    const pool = isSlab ? slab : cache
    if (pool.length > 0) dropFromPool(world, pool)
    if (isSlab) growSlab(world)
    else growCache(world)
  }
}

/** A leaf has a bit for each of 2^15 blocks of one order; above the leaves there are few (struct kho_radix_leaf, 7.3). */
const LEAF_BITS = 32768
const LEVELS_ABOVE = 5
const ORDERS_OF_LEAVES = 32

function radixNodes({ kept, pages }: World): number {
  const seen = new Uint8Array(ORDERS_OF_LEAVES * Math.ceil(pages.frames / LEAF_BITS))
  let leaves = 0
  for (let at = 0; at < kept.length; at++) {
    const order = kept.orders[at] ?? 0
    const leaf = Math.floor(frameAt(pages, kept, at) / (framesOf(order) * LEAF_BITS)) * ORDERS_OF_LEAVES + order
    if (seen[leaf] === 0) leaves++
    seen[leaf] = 1
  }
  return leaves + LEVELS_ABOVE
}
