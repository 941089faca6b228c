import { visible } from '../shared/visible.ts'

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
