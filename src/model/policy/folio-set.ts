import type { Pages } from '../pages/pages.ts'

/** What a folio that may be handed over holds. `metadata` is the radix tree itself: it lives until the next kernel has read it. */
export const PURPOSE = { vm: 0, driver: 1, iommu: 2, metadata: 3 } as const
export type Purpose = (typeof PURPOSE)[keyof typeof PURPOSE]

/** Columns of folios, by position; positions change when one is removed. `ids` are those of {@link Pages.folios}. */
export interface FolioSet {
  length: number
  ids: Int32Array
  orders: Uint8Array
  purposes: Uint8Array
  /** Held in place by a device or a pointer: 1. */
  fixed: Uint8Array
  /** The code that allocated it knew that it would be handed over: 1. */
  marked: Uint8Array
  /** Frame when it was allocated: another one now means that its address has changed. */
  born: Int32Array
}

export const createFolioSet = (): FolioSet => ({
  length: 0,
  ids: new Int32Array(1024),
  orders: new Uint8Array(1024),
  purposes: new Uint8Array(1024),
  fixed: new Uint8Array(1024),
  marked: new Uint8Array(1024),
  born: new Int32Array(1024),
})

export interface NewFolio {
  readonly id: number
  readonly frame: number
  readonly order: number
  readonly purpose: Purpose
  readonly fixed: boolean
  readonly marked: boolean
}

export function addFolio(set: FolioSet, { id, frame, order, purpose, fixed, marked }: NewFolio): void {
  if (set.length === set.ids.length) grow(set)
  const at = set.length++
  set.ids[at] = id
  set.orders[at] = order
  set.purposes[at] = purpose
  set.fixed[at] = fixed ? 1 : 0
  set.marked[at] = marked ? 1 : 0
  set.born[at] = frame
}

/** The last folio takes the place of the removed one. */
export function removeFolio(set: FolioSet, at: number): void {
  const last = --set.length
  for (const column of [set.ids, set.orders, set.purposes, set.fixed, set.marked, set.born]) column[at] = column[last] ?? 0
}

function grow(set: FolioSet): void {
  const wider = <T extends Int32Array | Uint8Array>(into: T, from: T): T => {
    into.set(from)
    return into
  }
  const size = set.ids.length * 2
  set.ids = wider(new Int32Array(size), set.ids)
  set.orders = wider(new Uint8Array(size), set.orders)
  set.purposes = wider(new Uint8Array(size), set.purposes)
  set.fixed = wider(new Uint8Array(size), set.fixed)
  set.marked = wider(new Uint8Array(size), set.marked)
  set.born = wider(new Int32Array(size), set.born)
}

export const frameAt = (pages: Pages, set: FolioSet, at: number): number => pages.folios.frame(set.ids[at] ?? -1)

/** Every folio as frame * 64 + order, by frame: numbers that sort faster than objects. */
export function sortedFolios(pages: Pages, set: FolioSet): Float64Array {
  const keys = new Float64Array(set.length)
  for (let at = 0; at < set.length; at++) keys[at] = frameAt(pages, set, at) * 64 + (set.orders[at] ?? 0)
  return keys.sort()
}

/** Frame and order of such a number. */
export const folioOfKey = (key: number): { readonly frame: number; readonly order: number } => ({
  frame: Math.floor(key / 64),
  order: key % 64,
})
