/* eslint-disable no-bitwise -- a state below 2^31 that is known to be a whole number is kept without a heap object for each draw */

/** Numbers that look random and follow from a seed alone (Park and Miller's generator with multiplier 48271). */
export interface Random {
  /** A whole number from 0 to limit - 1. */
  readonly below: (limit: number) => number
  readonly chance: (probability: number) => boolean
}

const MODULUS = 2147483647
const MULTIPLIER = 48271
const TWO_31 = 2 ** 31

export function createRandom(seed: number): Random {
  let state = (seed % (MODULUS - 1)) + 1
  // The modulus is 2^31 - 1, so a product of high * 2^31 + low leaves high + low: no division, which costs more than all the rest.
  const next = (): number => {
    const product = state * MULTIPLIER
    const high = Math.floor(product * (1 / TWO_31))
    const sum = product - high * TWO_31 + high
    state = (sum >= MODULUS ? sum - MODULUS : sum) | 0
    return state
  }
  // Small seeds begin with small numbers.
  for (let round = 0; round < 8; round++) next()
  return {
    below: (limit) => Math.floor((next() / MODULUS) * limit),
    chance: (probability) => next() < probability * MODULUS,
  }
}
