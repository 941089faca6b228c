import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { visible } from '../shared/visible.ts'
import { columns, html, markdown, markdownCode } from './visible.ts'
import { wrap } from './wrap.ts'

/** Strings that a hostile guest might send: markup, escapes, bidirectional controls, halves of pairs. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '&',
      '"',
      "'",
      '`',
      '|',
      '\\',
      '\n',
      '\r',
      '\t',
      '\u001b',
      '\u0000',
      '\u009b',
      '\u202e',
      '\u2066',
      '\u200b',
      '\u2028',
      '\ud800',
      '\udc00',
      '#',
      '*',
      '_',
      '[',
      ']',
      '(',
      ')',
      '!',
      '@',
      'https://',
      'www.',
      '字',
      '🙂',
      'é',
    ),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
  maxLength: 200,
})

describe('visible', () => {
  it('shows terminal escapes and bidirectional overrides instead of sending them', () => {
    expect(visible('\u001b[31mred\u0007\r\n\t\u202eevil\u2028\ud800x\u0085')).toBe(
      '\\x1b[31mred\\x07\\x0d\\n\\t\\u202eevil\\u2028\ufffdx\\x85',
    )
  })

  it('leaves nothing that does not print as itself', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
        expect(visible(text).isWellFormed()).toBe(true)
      }),
    )
  })
})

describe('html', () => {
  it('leaves no character that begins markup or ends an attribute', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(html(text).replaceAll(/&#\d+;/g, '')).not.toMatch(/[<>&"'`]/)
      }),
    )
  })

  it('keeps what the text says', () => {
    expect(html('<img src=x onerror="alert(1)">')).toBe('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;')
  })
})

describe('markdown', () => {
  it('leaves no markup, no cell border and no link', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const cell = markdown(text)
        expect(cell.replaceAll(/&#\d+;/g, ' ')).not.toMatch(/[\\`*_{}[\]<>#!|~&$\n]|:\/\/|www\./i)
      }),
    )
  })

  it('keeps code inside its back ticks and its cell', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const code = markdownCode(text)
        expect(code.slice(1, -1)).not.toMatch(/[`|\n]/)
        expect(code.length).toBeGreaterThan(2)
      }),
    )
  })
})

describe('wrap', () => {
  it('never makes a line wider than asked and loses no character', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 10, max: 72 }), fc.integer({ min: 0, max: 6 }), (text, width, indent) => {
        const shown = visible(text)
        const lines = wrap(shown, { width, first: '* '.padStart(indent), rest: ' '.repeat(indent) })
        for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(width)
        const joined = lines.map((line, index) => line.slice(index === 0 ? Math.max(2, indent) : indent)).join('')
        expect(joined.replaceAll(' ', '')).toBe(shown.replaceAll(' ', ''))
      }),
    )
  })

  it('breaks between words and inside words only where it must', () => {
    expect(wrap('one two three 0123456789abcdef', { width: 10, first: '- ', rest: '  ' })).toEqual([
      '- one two',
      '  three',
      '  01234567',
      '  89abcdef',
    ])
    expect(wrap('', { width: 10 })).toEqual([''])
  })
})
