import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationText, progressLine, progressText } from './progress-line.ts'
import { recordingTerminal } from './terminal.fixture.ts'

describe('the text of progress', () => {
  it('shows a bar, percent, what is done and the time left', () => {
    expect(progressText({ phase: 'compiling the kernel', percent: 42.9, secondsLeft: 130 }, 100)).toBe(
      '[##########--------------]  42 %  3 min left  compiling the kernel',
    )
  })
  it('fits any terminal and never claims less than 0 or more than 100 percent', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 300 }), fc.string(), (percent, columns, phase) => {
        const text = progressText({ phase, percent }, columns)
        expect(text.length).toBeLessThan(Math.max(1, columns))
        const shown = /(\d+) %/.exec(text)?.[1]
        if (shown !== undefined && phase === '') expect(Number(shown)).toBeLessThanOrEqual(100)
      }),
    )
  })
  it('is as exact about time as an estimate deserves', () => {
    expect([0.2, 59, 90, 600, 3700].map(durationText)).toEqual(['1 s', '59 s', '2 min', '10 min', '1 h 2 min'])
  })
})

describe('progress on a terminal', () => {
  it('rewrites one line, at most ten times a second, and takes it away', () => {
    const { terminal, written } = recordingTerminal({ live: true })
    let now = 0
    const line = progressLine(terminal, () => now)
    for (now = 0; now < 1000; now += 10) line.update({ phase: 'x', percent: now / 10 })
    line.clear()
    line.clear()
    expect(written.err.length).toBe(11)
    expect(written.err.every((text) => text.startsWith('\r\u001b[K'))).toBe(true)
  })
  it('never leaves a phase unsaid that begins right after another was drawn', () => {
    const { terminal, written } = recordingTerminal({ live: true })
    const line = progressLine(terminal, () => 0)
    line.update({ phase: 'short', percent: 1 })
    line.update({ phase: 'long', percent: 1 })
    line.update({ phase: 'long', percent: 2 })
    expect(written.err.map((text) => /(short|long)$/.exec(text)?.[1])).toEqual(['short', 'long'])
  })
  it('keeps what is to be noted, on a line of its own', () => {
    const { terminal, written } = recordingTerminal({ live: true })
    const line = progressLine(terminal, () => 0)
    line.update({ phase: 'x', percent: 1 })
    line.note('the archive does not answer')
    line.update({ phase: 'x', percent: 2 })
    expect(written.err.slice(1, 3)).toEqual(['\r\u001b[K', 'the archive does not answer\n'])
    expect(written.err).toHaveLength(4)
  })
  it('writes few whole lines into a log', () => {
    const { terminal, written } = recordingTerminal({ live: false })
    const line = progressLine(terminal)
    for (let percent = 0; percent <= 100; percent++)
      line.update({ phase: percent < 50 ? 'a' : 'b', percent, ...(percent < 10 ? {} : { secondsLeft: 60 - percent / 2 }) })
    line.clear()
    expect(written.err.join('')).toBe(
      '0 %  a\n' +
        '10 %  a  55 s left\n20 %  a  50 s left\n30 %  a  45 s left\n40 %  a  40 s left\n50 %  b  35 s left\n' +
        '60 %  b  30 s left\n70 %  b  25 s left\n80 %  b  20 s left\n90 %  b  15 s left\n100 %  b  10 s left\n',
    )
  })
})
