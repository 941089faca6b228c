/** Says on stderr what went wrong where no window can show it. */
export function complain(what: string, error: unknown): void {
  process.stderr.write(`kho-lab: ${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}
