import { walkRadix } from '../../src/abi/radix-walk.ts'
import { syntheticPages } from '../../src/abi/testing/synthetic-tree.ts'

/** Milliseconds of each walk of a tree of `keys` pages, one by one; from a `stride` of 2 on no two of them join to one record. */
export function radixWalkTime(keys: number, stride: number, runs: number): number[] {
  const tree = syntheticPages(keys, stride)
  return Array.from({ length: runs }, () => {
    const started = performance.now()
    const walk = walkRadix(tree.memory, tree.root)
    const time = performance.now() - started
    if (!walk.ok || walk.value.recordCount !== keys) throw new Error('the walk did not find every key')
    return time
  })
}
