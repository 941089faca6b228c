import { describe, expect, it } from 'vitest'
import type { Givens } from '../../shared/documents/index.ts'
import { KernelBuildFacts } from '../../shared/documents/kernel-build-facts.ts'
import { claimKey } from '../../shared/claim-name.ts'
import { hex, MiB } from '../../shared/units.ts'
import buildFacts from '../boot/fixtures/build-facts.json' with { type: 'json' }
import { experimentOf, kernelOf } from '../model.fixture.ts'
import { predict } from '../predict.ts'
import { resolve } from '../resolve.ts'

const kernel = kernelOf('7.3.4', { initrdSize: 3_500_000, build: KernelBuildFacts.parse(buildFacts) })
/** With KASLR, and a scratch region that has room only while the kernel does not lie in the middle of memory. */
const experiment = experimentOf({ machine: { memory: '1GiB', cpus: 1 }, kho: { scratch: '12M,0M,560M' }, hops: 1 })
const prediction = predict(experiment, [kernel, kernel], { experimentSha256: '0'.repeat(64) })

const drawn = { pageOffsetBase: '0xff11000000000000', vmemmapBase: '0xffd4000000000000', entryAreas: [1] }
const drawnAt = (base: number): Givens => ({ 'hop0.kernel.base': hex(base), 'hop0.kernel.addressSpace': drawn })
const resolvedAt = (
  givens: Givens,
): ReadonlyMap<string, { prediction: { kind: string }; predicted?: unknown; unpredicted?: { reason: string } }> =>
  new Map(resolve(prediction, givens).map((claim) => [claim.id, claim]))

describe('claims under a condition', () => {
  it('are made for either case, before the guest has drawn its places', () => {
    const keys = prediction.claims.map(claimKey)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys).toEqual(
      expect.arrayContaining([
        'hop0.boot.kho',
        'hop0.scratch.addresses only if hop0.boot.kho is true',
        'hop1.kexec.kernel only if hop0.boot.kho is true',
        'hop1.kexec.kernel only if hop0.boot.kho is false',
        'hop1.boot.kho only if hop0.boot.kho is true',
        'hop1.boot.kho only if hop0.boot.kho is false',
        'hop1.scratch.addresses only if hop0.boot.kho is false and hop1.boot.kho is true',
      ]),
    )
    // What does not depend on it is claimed once.
    expect(keys.filter((key) => key.startsWith('hop0.firmware.map'))).toEqual(['hop0.firmware.map'])
  })

  it('apply where scratch fits', () => {
    const claims = resolvedAt(drawnAt(16 * MiB))
    expect(claims.get('hop0.boot.kho')?.predicted).toBe(true)
    expect(claims.get('hop0.scratch.addresses')?.predicted).toHaveLength(3)
    expect(claims.get('hop1.boot.outcome')?.predicted).toEqual({ how: 'handover' })
    expect(claims.get('hop1.kexec.kernel')?.prediction.kind).toBe('rule')
  })

  it('apply where it does not: no tree, and the next kernel goes to System RAM', () => {
    const claims = resolvedAt(drawnAt(500 * MiB))
    expect(claims.get('hop0.boot.kho')?.predicted).toBe(false)
    expect(claims.get('hop0.log.kho')?.predicted).toContain('KHO: Failed to reserve scratch area, disabling kexec handover')
    expect([...claims.keys()].filter((id) => /^hop0\.(scratch|tree|preserved)/.test(id))).toEqual([])
    expect(claims.get('hop1.boot.outcome')?.predicted).toEqual({ how: 'no-handover' })
    // The array of regions is freed, and asked all the same.
    expect(claims.get('hop0.zone.cmaBlocks.node0.DMA32')?.unpredicted?.reason).toMatch(
      'a use after free in kho_scratch_overlap()',
    )
    expect(claims.get('hop1.kexec.kernel')?.predicted).toHaveProperty('start')
  })

  it('are those of a handover as long as nothing says which case it is', () => {
    const claims = resolvedAt({})
    expect(claims.get('hop0.boot.kho')?.predicted).toBeUndefined()
    expect(claims.has('hop0.scratch.addresses')).toBe(true)
  })
})
