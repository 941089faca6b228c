/**
 * Guest strings are hostile: they may hold terminal escapes, bidirectional overrides or half of a surrogate pair.
 * Everything that would not print as itself becomes a visible escape (`\x1b`, `\u202e`); line feeds become `\n`.
 */
export function visible(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** C0 and C1 controls, format characters (which include all bidirectional controls), line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Text for HTML content and for quoted attributes alike. */
export const html = (text: string): string => visible(text).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Text for a cell or a sentence in Markdown: no character of it is markup, and it stays on its line. A zero-width space
 * keeps GitHub from turning guest text into links and mentions, which it makes after entities are resolved.
 */
export const markdown = (text: string): string =>
  visible(text)
    .replace(/[\\`*_{}[\]<>#!|~&$]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll('@', '@&#8203;')
    .replaceAll('://', ':&#8203;//')
    .replace(/www\./gi, (found) => `${found.slice(0, 3)}&#8203;.`)

/** Inline code for Markdown. Entities do not work there, so back ticks and pipes are replaced by look-alike escapes. */
export const markdownCode = (text: string): string =>
  `\`${visible(text).replaceAll('`', '\\x60').replaceAll('|', '\\x7c') || ' '}\``

/** Columns that the text takes in a terminal, never less: everything from U+1100 on counts as two. */
export const columns = (text: string): number => text.length + (text.match(WIDE)?.length ?? 0)

/** Half of a pair counts as one already, so characters beyond the first plane need no further column. */
const WIDE = /[\u1100-\ud7ff\ue000-\uffff]/g
