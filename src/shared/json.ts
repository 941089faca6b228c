import { z } from 'zod'

/** A JSON value. The five documents hold nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export const JsonValue: z.ZodType<Json> = z.json()

/** JSON text with object keys sorted: equal values have equal text, so it can be compared and digested. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  })
}

export const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)
