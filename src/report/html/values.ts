import { firstDifferingByte, isBlobValue, type BlobValue } from '../../shared/blob.ts'
import type { Json } from '../../shared/json.ts'
import { html } from '../visible.ts'

/** Rows of a list that are shown before the rest is folded away. */
const OPEN_ROWS = 4
/** Rows of a list that a report keeps. */
const LIST_ROWS = 1024
/** Longer single values are folded. */
const OPEN_CHARACTERS = 120
/** Rows of a hexdump that a report keeps; the whole blob is in the run folder. */
const DUMP_ROWS = 256
const ROW = 16

/** A value for reading: lists row by row, small objects as `key value`, blobs as size and hash with a hexdump to open. */
export function valueHtml(value: Json, against?: Json): string {
  if (isBlobValue(value)) return blobHtml(value, against !== undefined && isBlobValue(against) ? against.hex : undefined)
  if (isList(value)) return listHtml(value)
  if (isRecord(value)) return isRange(value) ? foldable(compact(value)) : objectHtml(value)
  return foldable(scalar(value))
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)

const scalar = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

function foldable(text: string): string {
  if (text.length <= OPEN_CHARACTERS) return `<span class="v">${html(text)}</span>`
  return `<details><summary><span class="v">${html(text.slice(0, 64))}…</span></summary><div class="v">${html(text)}</div></details>`
}

function listHtml(list: readonly Json[]): string {
  if (list.length === 0) return '<span class="v muted">none</span>'
  const rows = aligned(list.slice(0, LIST_ROWS)).map((row) => `<div class="row">${html(row)}</div>`)
  const head = `<div class="v">${rows.slice(0, OPEN_ROWS).join('')}</div>`
  if (rows.length <= OPEN_ROWS) return head
  const rest = list.length > LIST_ROWS ? `<div class="muted">… ${list.length - LIST_ROWS} more in comparison.json</div>` : ''
  return `${head}<details><summary>all ${list.length}</summary><div class="v">${rows.join('')}${rest}</div></details>`
}

/** One line per entry, in columns of one width. */
function aligned(list: readonly Json[]): string[] {
  const cells = list.map((entry) => (isRecord(entry) && !isRange(entry) ? Object.values(entry).map(compact) : [compact(entry)]))
  const widths = cells.reduce<number[]>((most, row) => row.map((cell, index) => Math.max(cell.length, most[index] ?? 0)), [])
  return cells.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join(' '),
  )
}

/** A value inside a row: ranges as `start–end`, lists with commas. */
function compact(value: Json): string {
  if (isList(value)) return value.length === 0 ? 'none' : `[${value.map(compact).join(', ')}]`
  if (!isRecord(value)) return scalar(value)
  return Object.values(value)
    .map(compact)
    .join(isRange(value) ? '–' : ' ')
}

const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !isList(value)

const isRange = (value: { readonly [key: string]: Json }): boolean => Object.keys(value).join(' ') === 'start end'

function objectHtml(value: { readonly [key: string]: Json }): string {
  const rows = Object.entries(value).map(([key, inner]) => {
    const shown = inner !== null && typeof inner === 'object' ? valueHtml(inner) : foldable(scalar(inner))
    return `<div><span class="muted">${html(key)}</span> ${shown}</div>`
  })
  return rows.join('')
}

function blobHtml(blob: BlobValue, against: string | undefined): string {
  const head = `${blob.size} bytes${blob.sha256 === undefined ? '' : `, sha256 ${html(blob.sha256.slice(0, 16))}…`}`
  if (blob.hex === undefined) return `<span class="v">${head}</span>`
  const at =
    against === undefined || against === blob.hex
      ? ''
      : `, first difference at 0x${firstDifferingByte(against, blob.hex).toString(16)}`
  return `<details><summary><span class="v">${head}${at}</span></summary><pre>${hexdump(blob.hex, against)}</pre></details>`
}

/** Offset, sixteen bytes, printable ASCII, as `hexdump -C` has it; bytes that are not those of `against` are marked. */
export function hexdump(hex: string, against?: string): string {
  const size = hex.length / 2
  const rows = Array.from({ length: Math.min(Math.ceil(size / ROW), DUMP_ROWS) }, (_unused, row) =>
    dumpRow(hex, row * ROW, against),
  )
  const rest = size - DUMP_ROWS * ROW
  return rows.join('\n') + (rest > 0 ? `\n… ${rest} more bytes` : '')
}

function dumpRow(hex: string, offset: number, against: string | undefined): string {
  const bytes = Array.from({ length: Math.min(ROW, hex.length / 2 - offset) }, (_unused, index) => (offset + index) * 2)
  const differs = (at: number): boolean => against !== undefined && against.slice(at, at + 2) !== hex.slice(at, at + 2)
  const marked = (at: number, text: string): string => (differs(at) ? `<mark>${text}</mark>` : text)
  const left = bytes.map((at) => marked(at, hex.slice(at, at + 2))).join(' ') + '   '.repeat(ROW - bytes.length)
  const right = bytes.map((at) => marked(at, html(printable(Number.parseInt(hex.slice(at, at + 2), 16))))).join('')
  return `${offset.toString(16).padStart(8, '0')}  ${left}  |${right}|`
}

const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')
