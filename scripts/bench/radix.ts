import { walkRadix } from '../../src/abi/radix-walk.ts'
import { syntheticPages } from '../../src/abi/testing/synthetic-tree.ts'

const KEYS = 4 * 2 ** 20

/** Milliseconds of each walk of a tree whose records are the pages of 16 GiB, one by one. */
export function radixWalkTime(runs: number): number[] {
  const tree = syntheticPages(KEYS)
  return Array.from({ length: runs }, () => {
    const started = performance.now()
    const walk = walkRadix(tree.memory, tree.root)
    const time = performance.now() - started
    if (!walk.ok || walk.value.recordCount !== KEYS) throw new Error('the walk did not find every key')
    return time
  })
}
