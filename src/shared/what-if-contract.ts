import { z } from 'zod'

/** One value of a sweep: what scratch would be, and whether the next kernel fits into it. Bytes. */
const SweepRow = z.object({
  value: z.number(),
  memory: z.int(),
  nodes: z.int(),
  cpus: z.int(),
  kho: z.boolean().optional(),
  regions: z.int().optional(),
  scratch: z
    .object({ regions: z.array(z.object({ kind: z.string(), size: z.int() })), size: z.int(), share: z.number() })
    .optional(),
  nextFits: z.boolean().optional(),
  why: z.array(z.string()),
})

/** What pages may ask of the predictor without a guest; a part of the contract. */
export const whatIfRequests = {
  /** `sweep` has the form of `kho-lab predict --sweep`: KEY=FROM..TO[:STEPS]. */
  'predict:sweep': {
    in: z.strictObject({ yaml: z.string().max(1_000_000), sweep: z.string().max(200) }),
    out: z.object({
      parameter: z.enum(['memory', 'cpus', 'nodes', 'scratch']),
      assumed: z.array(z.string()),
      rows: z.array(SweepRow),
    }),
  },
} as const
