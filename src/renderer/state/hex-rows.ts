/** Sixteen bytes of a blob. */
export interface HexRow {
  readonly offset: number
  /** Two digits each. */
  readonly bytes: readonly string[]
  /** By byte: another blob has another one there, or none. */
  readonly differs: readonly boolean[]
  readonly text: string
}

const ROW = 16
/** Rows that are drawn; a dump of more is looked at with other tools. */
const ROW_LIMIT = 1024

/** A blob as rows of bytes, compared with another where one is given. Both are hexadecimal digits. */
export function hexRows(digits: string, other?: string): HexRow[] {
  const rows: HexRow[] = []
  for (let offset = 0; offset * 2 < digits.length && rows.length < ROW_LIMIT; offset += ROW) {
    const bytes = digits.slice(offset * 2, (offset + ROW) * 2).match(/../g) ?? []
    rows.push({
      offset,
      bytes,
      differs: bytes.map(
        (byte, index) => other !== undefined && other.slice((offset + index) * 2, (offset + index) * 2 + 2) !== byte,
      ),
      text: bytes.map((byte) => printable(Number.parseInt(byte, 16))).join(''),
    })
  }
  return rows
}

export const printable = (octet: number): string => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')
