import { PHYS_ADDR_LIMIT } from '../shared/units.ts'

/**
 * Little tools that every decoder shares. A DataView never reads outside its bytes (it throws RangeError), so a missing
 * length check is a loud defect and never a wrong value; decoders check lengths first and so never throw.
 */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A little-endian u64 as a number, or undefined when it is 2^52 or more and so neither an x86-64 address nor a size. */
export function u64Number(view: DataView, offset: number): number | undefined {
  const low = view.getUint32(offset, true)
  const high = view.getUint32(offset + 4, true)
  const value = high * 2 ** 32 + low
  return value < PHYS_ADDR_LIMIT ? value : undefined
}

/** Writes a non-negative safe integer as a little-endian u64. */
export function setU64(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(value), true)
}

/** The text before the first NUL as ASCII, or undefined when there is no NUL or a byte outside printable ASCII. */
export function cString(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0)
  if (end < 0) return undefined
  return printableAscii(bytes.subarray(0, end))
}

/** All bytes as printable ASCII, or undefined when one of them is not. */
export function printableAscii(bytes: Uint8Array): string | undefined {
  let text = ''
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}

/** One byte per character; characters above 0xff are a defect of the caller. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    if (code > 0xff) throw new RangeError(`not a single-byte character: ${character}`)
    return code
  })
}
