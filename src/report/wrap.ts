import { columns } from './visible.ts'

export interface WrapOptions {
  readonly width: number
  /** Put before the first line and before every further one; both count. */
  readonly first?: string
  readonly rest?: string
}

/** Breaks text at spaces, and words that are wider than a line anywhere. No line is wider than `width` columns. */
export function wrap(text: string, options: WrapOptions): string[] {
  const { width, first = '', rest = first } = options
  const lines: string[] = []
  let line = first
  let empty = true
  const flush = (): void => {
    lines.push(line.trimEnd())
    line = rest
    empty = true
  }
  for (const word of text.split(' ').filter((part) => part !== '')) {
    for (const piece of pieces(word, width - Math.max(columns(first), columns(rest)))) {
      if (!empty && columns(line) + 1 + columns(piece) > width) flush()
      line += empty ? piece : ` ${piece}`
      empty = false
    }
  }
  if (!empty || lines.length === 0) flush()
  return lines
}

function pieces(word: string, room: number): string[] {
  if (columns(word) <= room) return [word]
  const parts: string[] = []
  let part = ''
  for (const character of word) {
    if (columns(part) + columns(character) > room) {
      parts.push(part)
      part = ''
    }
    part += character
  }
  return [...parts, part]
}
