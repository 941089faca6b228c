import { describe, expect, it } from 'vitest'
import recorded from './fixtures/oracle.json' with { type: 'json' }
import { Memblock } from './memblock.ts'
import { answer, type Sequence } from './oracle.fixture.ts'
import { FLAG } from './flags.ts'
import { NO_NODE } from './regions.ts'

const sequences: readonly Sequence[] = recorded

describe('Memblock against what mm/memblock.c of 7.3.4 answered', () => {
  it.each(sequences.map((sequence, index) => ({ index, sequence })))('recorded sequence $index', ({ sequence }) => {
    const memblock = new Memblock()
    memblock.canResize = true
    expect(sequence.operations.map((operation) => answer(memblock, operation))).toEqual(sequence.answers)
  })
})

describe('Memblock', () => {
  const withMemory = (): Memblock => {
    const memblock = new Memblock()
    memblock.add(0x1000, 0x9000, 0)
    return memblock
  }

  it('gives 0 bytes between two reserved regions that touch but differ', () => {
    const memblock = withMemory()
    memblock.reserve(0x8000, 0x1000, 0, FLAG.RSRV_KERN)
    memblock.reserve(0x9000, 0x1000, NO_NODE, FLAG.RSRV_KERN)
    expect(memblock.find({ size: 0, align: 0x1000 })).toBe(0x9000)
    expect(memblock.find({ size: 1, align: 0x1000 })).toBe(0x7000)
  })

  it('keeps gigantic pages out of scratch', () => {
    const memblock = withMemory()
    memblock.scratch = [{ base: 0x7000, size: 0x1000 }]
    expect([memblock.allocHugetlb(0x2000, NO_NODE, false), memblock.allocHugetlb(0x2000, NO_NODE, false)]).toEqual([
      0x8000, 0x4000,
    ])
  })

  it('keeps a journal of what memblock=debug prints', () => {
    const memblock = withMemory()
    const found = memblock.alloc({ size: 0x1000, align: 0x1000, nid: 0 })
    memblock.free(found ?? 0, 0x800)
    expect(memblock.journal).toEqual([
      { kind: 'reserve', base: 0x9000, size: 0x1000, nid: 0, flags: FLAG.RSRV_KERN },
      { kind: 'free', base: 0x9000, size: 0x800, nid: NO_NODE, flags: FLAG.NONE },
    ])
  })
})
