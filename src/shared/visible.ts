/**
 * Guest strings are hostile: they may hold terminal escapes, bidirectional overrides or half of a surrogate pair.
 * Everything that would not print as itself becomes a visible escape (`\x1b`, `\u202e`); line feeds become `\n`.
 */
export const visible = (text: string): string => text.toWellFormed().replace(UNPRINTABLE, escaped)

/** As {@link visible} for a text of several lines: line feeds and tabs stay. */
export const visibleLines = (text: string): string =>
  PLAIN.test(text) ? text : text.toWellFormed().replace(UNPRINTABLE, (found) => (/[\n\t]/.test(found) ? found : escaped(found)))

/** JSON, indented, that a terminal may be shown: JSON itself lets C1 controls and bidirectional overrides stand. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(UNPRINTABLE, (found) =>
    found === '\n'
      ? found
      : Array.from({ length: found.length }, (_unit, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** C0 and C1 controls, format characters (which include all bidirectional controls), line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
/** Most texts: tried first, because it is fast. */
const PLAIN = /^[\x20-\x7e\n\t]*$/
