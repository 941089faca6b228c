import type { Random } from '../../model/policy/random.ts'

export function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[random.below(values.length)] ?? values[0]
}

/** From `least` to `most`, both multiples of `unit`. */
export const between = (random: Random, least: number, most: number, unit: number): number =>
  least + random.below(Math.floor((most - least) / unit) + 1) * unit
