import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Observation, notSeen } from '../../shared/documents/index.ts'
import { givensFrom } from './givens.ts'

const recorded = Observation.parse(
  JSON.parse(readFileSync(new URL('../../../tests/recorded/two-hops/observation.json', import.meta.url), 'utf8')),
)
const [first, ...later] = recorded.hops
if (first === undefined) throw new Error('the recorded run has no boot')

describe('givensFrom a recorded run with two hops', () => {
  test('every boot gives every value that it showed', () => {
    const names = Object.keys(givensFrom(recorded))
    expect(names.filter((name) => name.startsWith('hop0.'))).toEqual([
      'hop0.kernel.base',
      'hop0.scratch.regions',
      'hop0.tree.address',
      'hop0.tree.memoryMap',
      'hop0.tree.addresses',
      'hop0.tree.memblockRegions',
      'hop0.tree.luoFlb',
      'hop0.tree.blob',
      'hop0.preserved.records',
      'hop0.preserved.runs',
      'hop0.preserved.nodes',
      'hop0.kexec.segments',
      'hop0.preserved.hashes',
    ])
    // Nothing is hashed before a kexec that does not come.
    expect(names.filter((name) => name.startsWith('hop2.'))).not.toContain('hop2.preserved.hashes')
    expect(names).toContain('host.accelerator')
  })

  test('values have the agreed form', () => {
    const givens = givensFrom(recorded)
    expect(givens['hop0.scratch.regions']).toHaveLength(3)
    expect(givens['hop0.tree.addresses']).toMatchInlineSnapshot(`
      {
        "LUO": "0x8d8000",
        "kexec-metadata": "0x569000",
        "memblock": "0x8dc000",
      }
    `)
    expect(givens['hop0.tree.memblockRegions']).toMatchInlineSnapshot(`
      [
        {
          "name": "trace",
          "size": "0x400000",
          "start": "0x1ec00000",
        },
      ]
    `)
    expect(givens['hop0.tree.blob']).toMatchInlineSnapshot(`
      {
        "address": "0x563000",
        "sha256": "6883f33624ac15132371b5cdbac1bd40302bf01658755d0b26fcaece5b65933e",
        "size": 345,
      }
    `)
  })

  test('what was not observed is absent, never a placeholder', () => {
    const blind = {
      ...first,
      host: { ...first.host, outRoot: notSeen('no'), outRadix: notSeen('no'), preservedBefore: notSeen('no') },
    }
    const names = Object.keys(givensFrom({ ...recorded, hops: [blind, ...later] }))
    expect(names.filter((name) => name.startsWith('hop0.'))).toEqual([
      'hop0.kernel.base',
      'hop0.scratch.regions',
      'hop0.kexec.segments',
    ])
  })

  test('records of a walk that is not complete are no base for a rule', () => {
    const { outRadix } = first.host
    if (!outRadix.ok) throw new Error('the recorded run has no tree')
    const cut = { ...first, host: { ...first.host, outRadix: { ...outRadix, value: { ...outRadix.value, complete: false } } } }
    const names = Object.keys(givensFrom({ ...recorded, hops: [cut] }))
    expect(names.filter((name) => name.startsWith('hop0.preserved.'))).toEqual(['hop0.preserved.hashes'])
  })

  test('regions come from debugfs, and from RAM where debugfs did not show them', () => {
    const silent = { ...first, guest: { ...first.guest, scratchLen: notSeen('no') } }
    const { scratchArray } = first.host
    expect(givensFrom({ ...recorded, hops: [silent] })['hop0.scratch.regions']).toEqual(
      scratchArray.ok && scratchArray.value.regions,
    )
  })
})
