import type { Json } from './json.ts'

/** Bytes inside a claim's value: a size with the bytes, their hash, or both, and nothing beside. */
export interface BlobValue {
  readonly size: number
  readonly sha256?: string
  readonly hex?: string
}

export function isBlobValue(value: Json): value is Json & BlobValue {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length >= 2 &&
    entries.every(([key, inner]) =>
      key === 'size' ? typeof inner === 'number' : (key === 'sha256' || key === 'hex') && typeof inner === 'string',
    ) &&
    entries.some(([key]) => key === 'size')
  )
}

/** Both arguments are hexadecimal text; the answer is a byte offset, the shorter length when one begins with the other. */
export function firstDifferingByte(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 2) {
    if (a.slice(at, at + 2) !== b.slice(at, at + 2)) return at / 2
  }
  return length / 2
}
