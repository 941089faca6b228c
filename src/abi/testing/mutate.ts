/** A small random number generator with a seed (mulberry32): numbers in [0, 1), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Values that break decoders: limits of lengths, counts, offsets and addresses. */
const EVIL = [0, 1, 4, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xfffffffc, 0xffffffff]

/** A copy of `bytes` with one to eight defects: flipped bits, evil words in either byte order, cuts, repeats, noise. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let mutant = Uint8Array.from(bytes)
  const upTo = (limit: number): number => Math.floor(random() * limit)
  for (let defects = 1 + upTo(8); defects > 0 && mutant.length > 0; defects--) {
    const at = upTo(mutant.length)
    switch (upTo(7)) {
      case 0:
        mutant[at] = (mutant[at] ?? 0) ^ (1 << upTo(8))
        break
      case 1:
        mutant[at] = upTo(256)
        break
      case 2:
      case 3: {
        const offset = at - (at % 4)
        if (offset + 4 <= mutant.length)
          new DataView(mutant.buffer).setUint32(offset, EVIL[upTo(EVIL.length)] ?? 0, random() < 0.5)
        break
      }
      case 4:
        mutant = mutant.slice(0, at)
        break
      case 5:
        mutant.copyWithin(upTo(mutant.length), at, at + upTo(64))
        break
      default:
        mutant.fill(upTo(2) * 255, at, at + upTo(32))
    }
  }
  return mutant
}
