/**
 * Ids of allocated blocks that somebody will ask for again: a block that migrates changes its frame but keeps its id.
 * Ids are small and used again after {@link Folios.remove}.
 */
export interface Folios {
  /** Gives `frame` an id. */
  readonly add: (frame: number) => number
  /** The head's frame; NONE (-1) when the id is not in use. */
  readonly frame: (id: number) => number
  readonly move: (id: number, frame: number) => void
  readonly remove: (id: number) => void
  readonly clear: () => void
  /** Ids in use. */
  readonly count: () => number
}

const FIRST_SIZE = 1024

export function createFolios(): Folios {
  let frames = new Int32Array(FIRST_SIZE).fill(-1)
  let spare = new Int32Array(FIRST_SIZE)
  let spares = 0
  let next = 0
  const grow = (): void => {
    const more = new Int32Array(frames.length * 2).fill(-1)
    more.set(frames)
    const spareToo = new Int32Array(frames.length * 2)
    spareToo.set(spare)
    frames = more
    spare = spareToo
  }
  return {
    add: (frame) => {
      if (spares === 0 && next === frames.length) grow()
      const id = spares > 0 ? (spare[--spares] ?? 0) : next++
      frames[id] = frame
      return id
    },
    frame: (id) => frames[id] ?? -1,
    move: (id, frame) => void (frames[id] = frame),
    remove: (id) => {
      frames[id] = -1
      spare[spares++] = id
    },
    clear: () => {
      frames.fill(-1)
      spares = 0
      next = 0
    },
    count: () => next - spares,
  }
}
