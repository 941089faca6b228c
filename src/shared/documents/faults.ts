import { z } from 'zod'

const Hop = z.int().min(1).max(50).meta({ description: 'the kexec that the fault is part of: 1 is the first' })

/** What goes wrong in a handover, and at which kexec. Each is done by the lab, between loading the next kernel and starting it. */
export const Fault = z.discriminatedUnion('fault', [
  z
    .strictObject({
      fault: z.literal('compatible'),
      hop: Hop,
      value: z
        .string()
        .regex(/^[!-~]{1,32}$/, '1 to 32 printable characters without blanks')
        .default('kho-v3'),
    })
    .meta({
      description: "writes another `compatible` into the handover FDT in guest RAM; it must be as long as the kernel's own",
    }),
  z.strictObject({ fault: z.literal('radix-root'), hop: Hop, at: z.enum(['outside-ram', 'cycle', 'garbage']) }).meta({
    description:
      'makes `preserved-memory-map` point outside RAM, or at a page that is no radix node (garbage); or makes the root its own child (cycle)',
  }),
  z
    .strictObject({ fault: z.literal('kexec-load'), hop: Hop })
    .meta({ description: 'loads the next kernel with kexec_load(2), which takes no part in KHO' }),
])
export type Fault = z.infer<typeof Fault>

export const Faults = z
  .array(Fault)
  .max(50)
  .default([])
  .meta({ description: 'what goes wrong in a handover, at most one thing per hop' })

/** What the schema alone cannot say. */
export function faultIssues(
  faults: readonly Fault[],
  hops: number,
): readonly { readonly path: readonly (string | number)[]; readonly message: string }[] {
  return faults.flatMap(({ hop }, index) => {
    if (hop > hops)
      return [{ path: ['faults', index, 'hop'], message: `the experiment has ${hops} hops, so there is no hop ${hop}` }]
    const first = faults.findIndex((fault) => fault.hop === hop)
    return first === index
      ? []
      : [
          {
            path: ['faults', index, 'hop'],
            message: `hop ${hop} has a fault already; what two of them do together is not modelled`,
          },
        ]
  })
}
