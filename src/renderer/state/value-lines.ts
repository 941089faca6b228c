import type { Json } from '../../shared/json.ts'
import { visible } from '../../shared/visible.ts'

/** One line of a value as it is shown: `path` names the same place in another value of the same shape. */
export interface ValueLine {
  readonly path: string
  readonly depth: number
  readonly text: string
}

/** Objects and lists that fit this many characters stay on one line, so that lists of ranges line up. */
const INLINE_WIDTH = 64
/** Bytes per line of a hexadecimal blob: three blobs fit side by side, each with its text. */
const BLOB_ROW = 8
const BLOB_MIN_DIGITS = 64
/** Lines made of one value; what is beyond is said, not shown. The report has it all. */
const LINE_LIMIT = 5000

/** A value as lines of text, hexadecimal blobs as rows of bytes with their offset. */
export function valueLines(value: Json): readonly ValueLine[] {
  const lines: ValueLine[] = []
  append(lines, value, '', '', 0)
  if (lines.length <= LINE_LIMIT) return lines
  return [
    ...lines.slice(0, LINE_LIMIT),
    { path: '…', depth: 0, text: `… ${lines.length - LINE_LIMIT} more lines are in comparison.json` },
  ]
}

function append(lines: ValueLine[], value: Json, path: string, label: string, depth: number): void {
  if (lines.length > LINE_LIMIT * 4) return
  if (typeof value === 'string' && isBlob(value)) {
    appendBlob(lines, value, path, label, depth)
    return
  }
  const inline = oneLine(value)
  if (value === null || typeof value !== 'object' || (inline.length <= INLINE_WIDTH && !containsBlob(value))) {
    lines.push({ path, depth, text: label + inline })
    return
  }
  if (label !== '') lines.push({ path: `${path}#`, depth, text: label.trimEnd() })
  const inner = label === '' ? depth : depth + 1
  const entries = Array.isArray(value) ? value.map((item, index) => [String(index), item] as const) : Object.entries(value)
  const width = Array.isArray(value) ? String(entries.length - 1).length : 0
  for (const [key, item] of entries) {
    append(lines, item as Json, `${path}/${key}`, Array.isArray(value) ? `${key.padStart(width)}  ` : `${key}: `, inner)
  }
}

function appendBlob(lines: ValueLine[], digits: string, path: string, label: string, depth: number): void {
  lines.push({ path: `${path}#`, depth, text: `${label}${digits.length / 2} bytes` })
  for (let at = 0; at < digits.length; at += BLOB_ROW * 2) {
    const row = digits.slice(at, at + BLOB_ROW * 2)
    const octets = row.match(/../g) ?? []
    const text = octets.map((octet) => printable(Number.parseInt(octet, 16))).join('')
    const offset = (at / 2).toString(16).padStart(4, '0')
    lines.push({
      path: `${path}@${at / 2}`,
      depth: depth + 1,
      text: `${offset}  ${octets.join(' ').padEnd(BLOB_ROW * 3 - 1)}  ${text}`,
    })
  }
}

const printable = (octet: number): string => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')
const isBlob = (text: string): boolean => text.length >= BLOB_MIN_DIGITS * 2 && text.length % 2 === 0 && /^[0-9a-f]+$/.test(text)

function containsBlob(value: Json): boolean {
  if (typeof value === 'string') return isBlob(value)
  return value !== null && typeof value === 'object' && Object.values(value).some((item) => containsBlob(item))
}

/** A value on one line, keys without quotes: `{start: 0x1000, size: 0x400}`. */
export function oneLine(value: Json | undefined, limit = 4096): string {
  const text = compact(value ?? null, limit)
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text
}

function compact(value: Json, limit: number): string {
  if (typeof value === 'string') return value === '' ? '""' : visible(value.slice(0, limit + 1))
  if (value === null || typeof value !== 'object') return String(value)
  const parts: string[] = []
  let length = 0
  const entries = Array.isArray(value) ? value.map((item) => ['', item] as const) : Object.entries(value)
  for (const [key, item] of entries) {
    const part = (key === '' ? '' : `${key}: `) + compact(item as Json, limit)
    parts.push(part)
    length += part.length + 2
    if (length > limit) break
  }
  return Array.isArray(value) ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`
}

/** Paths of the lines that `lines` has and `other` has not, or has with another text. */
export function differingPaths(lines: readonly ValueLine[], other: readonly ValueLine[]): ReadonlySet<string> {
  const texts = new Map(other.map((line) => [line.path, line.text]))
  return new Set(lines.filter((line) => texts.get(line.path) !== line.text).map((line) => line.path))
}

export interface TextRun {
  readonly text: string
  readonly differs: boolean
}

/** Cuts a line where it and the other one begin and end to differ; whole when they are not of one length, as no place is the same then. */
export function differingRuns(text: string, other: string | undefined): readonly TextRun[] {
  if (other?.length !== text.length) return [{ text, differs: true }]
  const runs: TextRun[] = []
  let from = 0
  for (let at = 1; at <= text.length; at++) {
    const differs = text[from] !== other[from]
    if (at < text.length && (text[at] !== other[at]) === differs) continue
    runs.push({ text: text.slice(from, at), differs })
    from = at
  }
  return runs
}
