/** An error as the page shows it: what happened, what to do, what proves it. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly evidence?: readonly string[] | undefined
}

/** A problem that is thrown on this side of the connection. */
export class ProblemError extends Error implements Problem {
  readonly code: string
  readonly hint: string | undefined
  readonly evidence: readonly string[] | undefined

  constructor({ code, message, hint, evidence }: Problem) {
    super(message)
    this.code = code
    this.hint = hint
    this.evidence = evidence
  }
}

/** Makes a problem of anything that was thrown. Errors of the lab come as plain data and keep their hint and evidence. */
export function problemOf(error: unknown): Problem {
  if (isProblem(error)) return error
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' &&
  value !== null &&
  'code' in value &&
  typeof value.code === 'string' &&
  'message' in value &&
  typeof value.message === 'string'
