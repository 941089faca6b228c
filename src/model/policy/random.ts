/** Numbers that look random and follow from a seed alone (Park and Miller's generator with multiplier 48271). */
export interface Random {
  /** A whole number from 0 to limit - 1. */
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
}

const MODULUS = 2147483647
const MULTIPLIER = 48271
/** Schrage's way: the product without a remainder of large numbers, which costs more than all the rest. */
const QUOTIENT = 44488
const REMAINDER = 3399

export function createRandom(seed: number): Random {
  let state = (seed % (MODULUS - 1)) + 1
  const next = (): number => {
    const high = Math.floor(state / QUOTIENT)
    state = MULTIPLIER * (state - high * QUOTIENT) - REMAINDER * high
    if (state < 0) state += MODULUS
    return state
  }
  // Small seeds begin with small numbers.
  for (let round = 0; round < 8; round++) next()
  return {
    below: (limit) => Math.floor((next() / MODULUS) * limit),
    chance: (probability) => next() < probability * MODULUS,
  }
}
