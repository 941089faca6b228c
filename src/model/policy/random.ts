/** Numbers that look random and follow from a seed alone (Park and Miller's generator with multiplier 48271). */
export interface Random {
  /** A whole number from 0 to limit - 1. */
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
}

const MODULUS = 2147483647
const MULTIPLIER = 48271

export function createRandom(seed: number): Random {
  let state = (seed % (MODULUS - 1)) + 1
  const next = (): number => (state = (state * MULTIPLIER) % MODULUS)
  // Small seeds begin with small numbers.
  for (let round = 0; round < 8; round++) next()
  return {
    below: (limit) => Math.floor((next() / MODULUS) * limit),
    chance: (probability) => next() < probability * MODULUS,
  }
}
