import { z } from 'zod'
import { bytes, parseSize, type Bytes } from '../units.ts'

/** `4GiB`, `20M` or a number of bytes; becomes bytes. */
export const Size = z
  .union([z.int().positive(), z.string()])
  .transform((value, context): Bytes => {
    const size = typeof value === 'number' ? bytes(value) : parseSize(value)
    if (size === undefined || size <= 0) {
      context.addIssue({ code: 'custom', message: `not a size: ${String(value)} (write 512MiB, 4GiB or bytes)` })
      return z.NEVER
    }
    return size
  })
  .meta({ description: 'a size such as 512MiB, 4GiB, or a number of bytes' })
