import { describe, expect, it } from 'vitest'
import type { Finding } from '../shared/documents/index.ts'
import { exitCodeOfVerdict } from './exit-code.ts'
import { eventLine, findingLines, verdictLine } from './run-words.ts'

describe('a run in words', () => {
  it('tells each event on a line', () => {
    expect([
      eventLine({ type: 'predicted', claims: 61, sha256: 'ab'.repeat(32) }),
      eventLine({ type: 'started', accelerator: 'tcg', why: 'no guest spoke under KVM within 3 s' }),
      eventLine({ type: 'phase', hop: 0, phase: 'init', ms: 1640 }),
      eventLine({ type: 'phase', hop: 12, phase: 'ssh', ms: 12_345.6 }),
      eventLine({ type: 'step', hop: 0, text: 'kexec -e' }),
      eventLine({ type: 'serial', text: 'x' }),
    ]).toMatchInlineSnapshot(`
      [
        "predicted: 61 claims, sha256 abababababababab",
        "QEMU started, accelerator tcg: no guest spoke under KVM within 3 s",
        "boot     1.64 s  /init runs",
        "hop 12   12.35 s  ssh answers",
        "boot             kexec -e",
        undefined,
      ]
    `)
  })
  it('ends with the verdict and all four counts', () => {
    const summary = { match: 60, differ: 1, unobserved: 0, unpredicted: 4, run: 'disagreed' } as const
    expect(verdictLine(summary, (colour, text) => `<${colour}>${text}`)).toBe(
      '<red>DISAGREED: the kernel did something else than predicted (60 match, 1 differ, 0 unobserved, 4 unpredicted)',
    )
  })
  it('lists findings, wrapped', () => {
    const finding = {
      id: 'out-fdt-truncated',
      title: 'out/fdt is cut short',
      status: 'confirmed',
      words: 'the guest shows 233 bytes, guest RAM holds 345',
      hop: 0,
      claim: 'hop0.debugfs.outFdt',
      basis: [],
    } satisfies Finding
    expect(findingLines([finding], 40)).toEqual([
      'Findings (defects of the kernel that the model knows):',
      '  out/fdt is cut short [hop 0, confirmed here]',
      '    the guest shows 233 bytes, guest RAM',
      '    holds 345',
    ])
    expect(findingLines([], 40)).toEqual([])
  })
  it('has an exit code for each verdict', () => {
    expect((['agreed', 'disagreed', 'incomplete', 'lost'] as const).map(exitCodeOfVerdict)).toEqual([0, 1, 2, 2])
  })
})
