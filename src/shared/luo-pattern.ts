/** Word `index` of the pattern with this seed: what qemu-images/tools/luo.c writes. Both are unsigned 32-bit. */
export function patternWord(seed: number, index: number): number {
  let x = seed ^ Math.imul(index, 0x9e3779b9)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** The seed of a memfd's pattern: another for every token and every seed of an experiment. */
export const memfdSeed = (experimentSeed: number, token: number): number => patternWord(experimentSeed, token)
