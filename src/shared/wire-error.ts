import { z } from 'zod'

/** A LabError on the wire. */
export const WireError = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.array(z.string()).optional(),
})
export type WireError = z.infer<typeof WireError>
