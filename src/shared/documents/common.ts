import { z } from 'zod'
import { JsonValue } from '../json.ts'

/** An address, or any other number written as the kernel prints it: lower-case hexadecimal with 0x. */
export const Hex = z.string().regex(/^0x[0-9a-f]{1,16}$/, 'expected lower-case hexadecimal with 0x')
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal')

/** A digest of pages as hexadecimal: AES-GMAC (src/guest/observe/record-hashes.ts), in older runs SHA-256. */
export const PageDigest = z.string().regex(/^([0-9a-f]{32}|[0-9a-f]{64})$/, 'expected 32 or 64 hexadecimal digits')
/** Slots in use of a radix node: numbers, or of more than 512 the ranges as the kernel prints a bitmap. */
export const Slots = z.union([z.array(z.int()), z.string().regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/)])

/** Why a value is what it is: the kernel function that decides it. */
export const Basis = z.object({
  function: z.string(),
  file: z.string(),
  release: z.string(),
})
export type Basis = z.infer<typeof Basis>

/** A half-open physical range [start, end) and what it is. */
export const Range = z.object({ start: Hex, end: Hex })
export type Range = z.infer<typeof Range>

/** One firmware memory map entry; `end` is exclusive; `type` uses the words of /sys/firmware/memmap. */
export const MapEntry = z.object({ start: Hex, end: Hex, type: z.string() })
export type MapEntry = z.infer<typeof MapEntry>

/** A scratch region. `kind` by its place in the array: lowmem, global, then one per node with memory. */
export const ScratchRegion = z.object({ start: Hex, size: Hex })
export type ScratchRegion = z.infer<typeof ScratchRegion>

/** A preserved record: 2^order pages at `start`; in lists of more than 4096, with a count, as many of them one behind the other. */
export const PreservedRecord = z.object({ start: Hex, order: z.int().min(0).max(52), count: z.int().min(2).optional() })
export type PreservedRecord = z.infer<typeof PreservedRecord>

/** Bytes that were read: always with size and hash; inline as hexadecimal up to 64 KiB; and as a file of the run. */
export const Blob = z.object({
  size: z.int().min(0),
  sha256: Sha256,
  hex: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .optional(),
  /** Path inside the run folder, below raw/. */
  file: z.string().optional(),
})
export type Blob = z.infer<typeof Blob>
export const BLOB_INLINE_LIMIT = 64 * 1024

/** A reading: what was read, or why it could not be. A reading that failed never has a value. */
export const reading = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), reason: z.string().min(1) }),
  ])
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }
export const seen = <T>(value: T): Reading<T> => ({ ok: true, value })
export const notSeen = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason })

export { JsonValue }
