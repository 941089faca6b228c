import type { SetKind } from '../../shared/documents/index.ts'

/** A set of khoprobe as far as the experiment tells of it. */
export interface PlannedSet {
  readonly name: string
  readonly kind: SetKind
  readonly entries: number
  readonly pages: number
  /** Of the entries, in their order: as many of each. */
  readonly orders: readonly number[]
  readonly huge: boolean
  readonly movable?: boolean
  /** Lies in scratch, where this kernel refuses to preserve it. */
  readonly inScratch?: boolean
  readonly state: 'allocated' | 'preserved' | 'inherited' | 'restored'
  /** Why it is not known what became of it: then nothing is said of it. */
  readonly unknown?: string
  /** KHO was asked in this boot to take it, and may have. */
  readonly offered?: boolean
}

/** Whether a set goes over, or may. */
export const mayLeave = ({ state, offered }: PlannedSet): boolean => state === 'preserved' || offered === true

/** A record of the tree that no set has: made by a call for one entry. */
export interface LooseRecord {
  readonly name: string
  readonly entry: number
  readonly order: number
  /** The step that made it, which says where it lies. */
  readonly index: number
  /** The memory was given back since; the record stays. */
  readonly freed: boolean
}

/** The order of an entry. khoprobe allocates as many folios of each order, lowest order first. */
export const orderOf = ({ orders, entries }: PlannedSet, entry: number): number =>
  orders[Math.floor(entry / (entries / orders.length))] ?? 0

/** What a boot can do, as far as its kernel decides. */
export interface ProbeKernel {
  /** This boot can preserve. */
  readonly kho: boolean
  /** CONFIG_KEXEC_HANDOVER_DEBUG; undefined where that is not known. */
  readonly checksScratch: boolean | undefined
  readonly scratchRegions: number
  /** Which nodes have memory; undefined where the command line changes that. */
  readonly nodesWithMemory: readonly number[] | undefined
}

/** What changes from step to step. */
export interface ProbeState {
  readonly sets: Map<string, PlannedSet>
  loose: readonly LooseRecord[]
  emptied: readonly LooseRecord[]
  table: boolean
  withdrawn: boolean
}

export interface Outcome {
  readonly result: string | undefined
  readonly answer?: string
  readonly set?: PlannedSet | undefined
}
