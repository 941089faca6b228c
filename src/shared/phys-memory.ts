/**
 * Read access to guest physical memory. Synchronous, so that pure decoders can walk structures.
 * `read` answers undefined when any byte of [address, address + length) is outside RAM; it never throws for that.
 */
export interface PhysMemory {
  /** RAM ranges in ascending order, half open. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[]
  read(address: number, length: number): Uint8Array | undefined
  /** Fills all of `target` from `address` on, for those that read a lot; false, with `target` undefined, where `read` answers undefined. */
  readInto?(address: number, target: Uint8Array): boolean
}

/** True when all of [address, address + length) lies inside one RAM range. */
export const insideRam = (memory: Pick<PhysMemory, 'ranges'>, address: number, length: number): boolean =>
  memory.ranges.some((range) => address >= range.start && address + length <= range.end)
