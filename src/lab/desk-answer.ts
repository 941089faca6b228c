import type { z } from 'zod'
import { requests, type RequestName } from '../shared/contract.ts'
import { LabError } from '../shared/result.ts'

/** One function per request of the contract. */
export type Handlers = { readonly [K in RequestName]: (input: z.output<(typeof requests)[K]['in']>) => Promise<unknown> }

export const isRequestName = (name: string): name is RequestName => typeof name === 'string' && Object.hasOwn(requests, name)

/** Answers one request. Both directions are checked against the contract. */
export async function answer(name: RequestName, input: unknown, handlers: Handlers): Promise<unknown> {
  const parsedInput = requests[name].in.safeParse(input)
  if (!parsedInput.success) {
    throw new LabError({
      code: 'refused',
      message: `${name}: the request does not have the agreed form`,
      evidence: issueLines(parsedInput.error),
    })
  }
  const handler = handlers[name] as (value: unknown) => Promise<unknown>
  const output = requests[name].out.safeParse(await handler(parsedInput.data))
  if (!output.success) {
    throw new LabError({
      code: 'internal',
      message: `${name}: the lab's own answer does not have the agreed form`,
      evidence: issueLines(output.error),
    })
  }
  return output.data
}

const issueLines = (error: z.ZodError): string[] =>
  error.issues.slice(0, 8).map((issue) => `${issue.path.map(String).join('.') || 'input'}: ${issue.message}`)
