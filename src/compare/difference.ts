import { firstDifferingByte, isBlobValue } from '../shared/blob.ts'
import { canonicalJson, sameJson, type Json } from '../shared/json.ts'
import { hex } from '../shared/units.ts'

/** Where two values part: a path such as `[2].start`, empty for the whole value; undefined stands for "nothing there". */
export interface Difference {
  readonly path: string
  readonly expected: Json | undefined
  readonly seen: Json | undefined
  /** Set for bytes: the first offset at which they differ. */
  readonly offset?: number
}

/** The first place, in document order, where `seen` is not `expected`; undefined when they are equal. */
export function firstDifference(expected: Json, seen: Json, path = ''): Difference | undefined {
  if (sameJson(expected, seen)) return undefined
  if (
    isBlobValue(expected) &&
    isBlobValue(seen) &&
    expected.hex !== undefined &&
    seen.hex !== undefined &&
    expected.hex !== seen.hex
  ) {
    return byteDifference(expected.hex, seen.hex, path)
  }
  if (isList(expected) && isList(seen)) {
    const index = firstIndex(expected, seen)
    return inside(expected[index], seen[index], `${path}[${index}]`)
  }
  if (isObject(expected) && isObject(seen)) {
    for (const key of keysOfBoth(expected, seen)) {
      if (!sameJson(expected[key], seen[key])) return inside(expected[key], seen[key], path === '' ? key : `${path}.${key}`)
    }
  }
  return { path, expected, seen }
}

const inside = (expected: Json | undefined, seen: Json | undefined, path: string): Difference | undefined =>
  expected === undefined || seen === undefined ? { path, expected, seen } : firstDifference(expected, seen, path)

/** One clause for a person: `[2].start is 0x1000, predicted 0x2000`. */
export function describeDifference(difference: Difference, expectedName = 'predicted'): string {
  const what = difference.path === '' ? 'the value' : difference.path
  const { expected, seen, offset } = difference
  if (offset !== undefined)
    return `${what} first differs at offset ${hex(offset)}: ${byteWord(seen)}, ${expectedName} ${byteWord(expected)}`
  if (seen === undefined) return `${what} is missing, ${expectedName} ${shortValue(expected)}`
  if (expected === undefined) return `${what} is ${shortValue(seen)}, ${expectedName} nothing there`
  return `${what} is ${shortValue(seen)}, ${expectedName} ${shortValue(expected)}`
}

const byteWord = (byte: Json | undefined): string => (typeof byte === 'string' ? byte : 'nothing')

const SHORT = 80

/** A value in at most 80 characters; text without quotes when it is a plain word or number. */
export function shortValue(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' && /^[\w.:+-]+$/.test(value) ? value : JSON.stringify(value)
  return text.length <= SHORT ? text : `${text.slice(0, SHORT - 1)}…`
}

function byteDifference(expected: string, seen: string, path: string): Difference {
  const offset = firstDifferingByte(expected, seen)
  const byte = (text: string): string => text.slice(offset * 2, offset * 2 + 2) || `the end of ${text.length / 2} bytes`
  return { path, expected: byte(expected), seen: byte(seen), offset }
}

function firstIndex(a: readonly Json[], b: readonly Json[]): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) if (canonicalJson(a[index]) !== canonicalJson(b[index])) return index
  return length
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
const keysOfBoth = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])]
