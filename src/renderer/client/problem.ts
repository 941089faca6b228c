/** An error as the page shows it: what happened, what to do, what proves it. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly evidence?: readonly string[]
}

/** Makes a problem of anything that was thrown. Errors of the lab come as plain data and keep their hint and evidence. */
export function problemOf(error: unknown): Problem {
  if (isProblem(error)) return error
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string' && 'message' in value && typeof value.message === 'string'
