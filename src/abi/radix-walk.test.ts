import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GiB, KiB, PAGE_SIZE } from '../shared/units.ts'
import { radixLayout } from './radix.ts'
import { eachRecord, sortedRecords, walkRadix } from './radix-walk.ts'
import type { RadixWalk } from './radix-walk.ts'
import { SyntheticMemory } from './testing/synthetic-memory.ts'
import { SyntheticTree, syntheticPages } from './testing/synthetic-tree.ts'

const RAM = [{ start: 0, end: 64 * GiB }]
const tree = (records: Iterable<{ start: number; order: number }>): SyntheticTree => {
  const built = new SyntheticTree(new SyntheticMemory(RAM), 0x1000000)
  for (const { start, order } of records) built.add(start, order)
  return built
}

function walked(from: SyntheticTree, limits?: Parameters<typeof walkRadix>[2]): RadixWalk {
  const walk = walkRadix(from.memory, from.root, limits)
  if (!walk.ok) throw new Error(walk.error)
  return walk.value
}

const setSlot = (memory: SyntheticMemory, node: number, slot: number, value: bigint): void =>
  new DataView(memory.page(node).buffer).setBigUint64(8 * slot, value, true)

const record = fc
  .integer({ min: 0, max: 18 })
  .chain((order) =>
    fc.integer({ min: 0, max: 2 ** (24 - order) - 1 }).map((index) => ({ start: index * 2 ** (order + 12), order })),
  )

describe('a tree as the kernel builds it', () => {
  test('a plain boot: two records, six nodes', () => {
    const walk = walked(
      tree([
        { start: 0x5a2000, order: 0 },
        { start: 0x5e6000, order: 0 },
      ]),
    )
    expect(walk.nodeAddresses.length).toBe(6)
    expect(sortedRecords(walk.records, 10)).toEqual([
      { start: 0x5a2000, order: 0 },
      { start: 0x5e6000, order: 0 },
    ])
    expect([walk.recordCount, walk.pageCount, walk.complete, walk.problems]).toEqual([2, 2, true, []])
  })

  test('records come in the order in which a 7.3.4 guest reserved them: keys ascend, so large orders come first', () => {
    // The order of the kho_preserved_memory_reserve lines of a guest with reserve_mem=12M:4096:trace at 0x3da00000.
    const records = [
      { start: 0x3dc00000, order: 10 },
      { start: 0x3e000000, order: 10 },
      { start: 0x3da00000, order: 9 },
      { start: 0x3e400000, order: 9 },
      { start: 0x5a2000, order: 0 },
    ]
    expect(Array.from(eachRecord(walked(tree(records.toReversed())).records))).toEqual(records)
  })

  test('any set of records is found again, with exactly the predicted node pages', () => {
    fc.assert(
      fc.property(fc.uniqueArray(record, { maxLength: 60, selector: ({ start, order }) => `${start}/${order}` }), (records) => {
        const walk = walked(tree(records))
        const byAddress = records.toSorted((a, b) => a.start - b.start || b.order - a.order)
        expect(sortedRecords(walk.records, Infinity)).toEqual(byAddress)
        expect(walk.recordCount).toBe(records.length)
        expect(walk.pageCount).toBe(records.reduce((sum, { order }) => sum + 2 ** order, 0))
        expect(walk.complete).toBe(true)
        expect(walk.nodes.map(({ level, prefix, slots }) => ({ level, prefix, slots: Array.from(slots) }))).toEqual(
          radixLayout(records),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('the largest orders share the first leaf of all', () => {
    const built = tree([])
    built.addKey(1n)
    built.addKey(1n << 12n)
    const walk = walked(built)
    // The key 1 is order 52: a range of 2^64 bytes, more than an x86-64 processor can address.
    expect(sortedRecords(walk.records, 10)).toEqual([{ start: 0, order: 40 }])
    expect(walk.problems).toEqual(['key 0x1 is no range of physical memory'])
  })

  test('neighbours become one run, across leaves too', () => {
    const walk = walked(syntheticPages(100_000))
    expect([walk.recordCount, walk.records.starts.length]).toEqual([100_000, 1])
    const scattered = walked(syntheticPages(1000, 2))
    expect([scattered.recordCount, scattered.records.starts.length]).toEqual([1000, 1000])
  })
})

describe('a tree that nobody should believe', () => {
  const problems = (prepare: (memory: SyntheticMemory, root: number) => void): readonly string[] => {
    const built = tree([{ start: 0x5a2000, order: 0 }])
    prepare(built.memory, built.root)
    const walk = walked(built)
    expect(walk.complete).toBe(false)
    expect(walk.recordCount).toBe(1)
    return walk.problems
  }

  test('a cycle to the root', () => {
    expect(problems((memory, root) => setSlot(memory, root, 1, BigInt(root)))).toEqual([
      'slot 1 of a level 5 node points to a node that lies at 0x1000000 and was met before: the tree has a cycle or shares a node',
    ])
  })

  test('a node outside RAM, one across its end, one beyond any memory, one off its page', () => {
    expect(
      problems((memory, root) => {
        setSlot(memory, root, 0, BigInt(64 * GiB))
        setSlot(memory, root + PAGE_SIZE, 1, 2n ** 52n)
        setSlot(memory, root + PAGE_SIZE, 2, 2n ** 64n - 1n)
        setSlot(memory, root + PAGE_SIZE, 3, 0x5008n)
      }),
    ).toEqual([
      'slot 0 of a level 5 node points to a node that lies at 0x1000000000, outside RAM',
      'slot 1 of a level 4 node holds 2^52 or more, which is no physical address',
      'slot 2 of a level 4 node holds 2^52 or more, which is no physical address',
      'slot 3 of a level 4 node points to a node that lies at 0x5008, which is not page-aligned',
    ])
  })

  test('keys of more than 53 bits', () => {
    expect(problems((memory, root) => setSlot(memory, root, 4, 0x5000n))).toEqual([
      'slot 4 of a level 5 node leads to keys of more than 53 bits',
    ])
  })

  test.each([
    [3, 'the root node lies at 0x3, which is not page-aligned'],
    [64 * GiB, 'the root node lies at 0x1000000000, outside RAM'],
    [-4096, 'the root node has no physical address (-4096)'],
    [Number.NaN, 'the root node has no physical address (NaN)'],
    [2 ** 53, 'the root node has no physical address (9007199254740992)'],
  ])('root at %s', (root, error) => {
    expect(walkRadix(new SyntheticMemory(RAM), root)).toEqual({ ok: false, error })
  })

  test('the limits end it: nodes, runs, slots that are kept', () => {
    const built = syntheticPages(1000, 2)
    const fewNodes = walked(built, { nodes: 3 })
    expect([fewNodes.nodeAddresses.length, fewNodes.problems]).toEqual([
      3,
      ['the walk ended after 3 nodes, more than it may read'],
    ])
    const fewRuns = walked(built, { runs: 10 })
    expect([fewRuns.records.starts.length, fewRuns.recordCount, fewRuns.problems]).toEqual([
      10,
      10,
      ['the walk ended after 10 runs of records, more than it may keep'],
    ])
    const fewSlots = walked(built, { detailedSlots: 5 })
    expect([fewSlots.nodes.length, fewSlots.nodeAddresses.length, fewSlots.complete]).toEqual([5, 6, true])
    expect(walked(built, { detailedNodes: 2 }).nodes.map(({ level }) => level)).toEqual([5, 4])
  })

  test('RAM full of pointers to itself ends, with the problems counted once and bounded', () => {
    const pages = 128
    const memory = new SyntheticMemory([{ start: 0, end: pages * PAGE_SIZE }])
    for (let page = 0; page < pages; page++) {
      for (let slot = 0; slot < 512; slot++)
        setSlot(memory, page * PAGE_SIZE, slot, BigInt(((page + slot + 1) % pages) * PAGE_SIZE))
    }
    const walk = walkRadix(memory, 0)
    expect(walk.ok && [walk.value.complete, walk.value.problems.length, walk.value.nodeAddresses.length <= pages]).toEqual([
      false,
      64,
      true,
    ])
  })
})

test('256 Ki pages of 1 GiB are walked well within a second', () => {
  const built = syntheticPages(256 * KiB)
  const start = performance.now()
  const walk = walked(built)
  const elapsed = performance.now() - start
  expect([walk.recordCount, walk.complete]).toEqual([256 * KiB, true])
  expect(elapsed).toBeLessThan(1000)
})
