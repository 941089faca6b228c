import { PAGE_SIZE, roundDown } from '../../shared/units.ts'

/** The stretch of physical memory that is in sight, in bytes. */
export interface MapWindow {
  readonly start: number
  readonly span: number
}

/** Closest look: one page fills the width. */
const LEAST_SPAN = PAGE_SIZE

/** Keeps a window inside [0, end) and between one page and everything. */
export function clamped({ start, span }: MapWindow, end: number): MapWindow {
  const width = Math.min(Math.max(span, LEAST_SPAN), Math.max(end, LEAST_SPAN))
  return { start: Math.min(Math.max(0, start), Math.max(0, end - width)), span: width }
}

/** Zooms by `factor` (below 1: closer), so that the address at `fraction` of the width stays where it is. */
export function zoomed(window: MapWindow, factor: number, fraction: number, end: number): MapWindow {
  const span = Math.min(Math.max(window.span * factor, LEAST_SPAN), Math.max(end, LEAST_SPAN))
  return clamped({ start: window.start + (window.span - span) * fraction, span }, end)
}

export const panned = (window: MapWindow, fraction: number, end: number): MapWindow =>
  clamped({ start: window.start + window.span * fraction, span: window.span }, end)

/** The window that shows a range with as much room around it as it has itself, so that its neighbours are seen. */
export function around(start: number, end: number, limit: number): MapWindow {
  const size = Math.max(end - start, 1)
  return clamped({ start: start - size, span: size * 3 }, limit)
}

/** The window moved, as little as it must be, so that `address` is in it. */
export function revealing(window: MapWindow, address: number, end: number): MapWindow {
  if (address >= window.start && address < window.start + window.span) return window
  return clamped({ start: address - window.span / 2, span: window.span }, end)
}

/** Addresses for the axis: multiples of a power of two, at most `most` of them. */
export function ticksOf(
  { start, span }: MapWindow,
  most: number,
): { readonly step: number; readonly addresses: readonly number[] } {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(span / Math.max(1, most))))
  const addresses: number[] = []
  for (let at = roundDown(start, step); at <= start + span; at += step) if (at >= start) addresses.push(at)
  return { step, addresses }
}
