import { describe, expect, it } from 'vitest'
import { outline, predictionOf } from './model.fixture.ts'

const of =
  (hop: number, ...subjects: string[]) =>
  (line: string) =>
    subjects.some((subject) => line.startsWith(`hop${hop}.${subject}: `))

describe('what follows from a fault', () => {
  it('another compatible: a cold boot that says why, and counts from 1 again', () => {
    const lines = outline(predictionOf({ faults: [{ fault: 'compatible', hop: 1 }], hops: 2 }))
    expect(lines.filter(of(1, 'boot.outcome', 'handover.refused', 'tree.kexec-metadata', 'handover.inFdt')))
      .toMatchInlineSnapshot(`
      [
        "hop1.boot.outcome: value {"how":"no-handover"}",
        "hop1.handover.refused: rule handover-refused (hop0.tree.address)",
        "hop1.tree.kexec-metadata: value {"version":1,"previousRelease":"7.3.4","kexecCount":1}",
      ]
    `)
    expect(lines.filter(of(2, 'boot.outcome', 'handover.message'))).toMatchInlineSnapshot(`
      [
        "hop2.boot.outcome: value {"how":"handover"}",
        "hop2.handover.message: value "exec from: 7.3.4 (count 1)"",
      ]
    `)
  })

  it("the kernel's own compatible is no fault at all", () => {
    const lines = outline(predictionOf({ faults: [{ fault: 'compatible', hop: 1, value: 'kho-v4' }] }))
    expect(lines.filter(of(1, 'boot.outcome'))).toEqual(['hop1.boot.outcome: value {"how":"handover"}'])
  })

  it('kexec_load: nothing is handed over and nothing is said', () => {
    const lines = outline(predictionOf({ faults: [{ fault: 'kexec-load', hop: 1 }] }))
    expect(lines.filter(of(1, 'boot.outcome', 'handover.refused', 'kexec.kernel', 'kexec.segments'))).toMatchInlineSnapshot(`
      [
        "hop1.boot.outcome: value {"how":"no-handover"}",
        "hop1.handover.refused: value []",
        "hop1.kexec.kernel: unpredicted kexec_load(2) puts the segments where the program that calls it says, which is not modelled",
      ]
    `)
  })

  it.each(['outside-ram', 'cycle'] as const)('a radix root that is %s: a panic, and nothing after it', (at) => {
    const prediction = predictionOf({ faults: [{ fault: 'radix-root', hop: 1, at }], hops: 2 })
    expect(outline(prediction).filter((line) => !line.startsWith('hop0.'))).toEqual([
      'hop1.boot.outcome: value {"how":"panic","message":"Attempted to kill the idle task!"}',
    ])
    expect(prediction.cmdlines.map((cmdline) => cmdline.includes('earlycon='))).toEqual([false, true, false])
  })

  it('a radix root that is no node: not even a panic', () => {
    const prediction = predictionOf({ faults: [{ fault: 'radix-root', hop: 1, at: 'garbage' }] })
    expect(outline(prediction).filter((line) => !line.startsWith('hop0.'))).toEqual([
      'hop1.boot.outcome: value {"how":"halted","at":"__kho_radix_walk_tree"}',
    ])
  })

  it('without a handover there is nothing to damage', () => {
    const lines = outline(predictionOf({ kho: { enabled: false }, faults: [{ fault: 'radix-root', hop: 1, at: 'cycle' }] }))
    expect(lines.filter(of(1, 'boot.outcome'))).toEqual(['hop1.boot.outcome: value {"how":"no-handover"}'])
  })
})
