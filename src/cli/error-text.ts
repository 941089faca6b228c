import type { LabError } from '../shared/result.ts'
import { visible } from '../shared/visible.ts'

/** An error for people: the sentence, the lines that prove it, and what to do. Ends with a line feed. */
export function errorText(error: LabError): string {
  const lines = [`kho-lab: ${visible(error.message)}`, ...error.evidence.map((line) => `  | ${visible(line)}`)]
  if (error.hint !== undefined) lines.push(`  ${visible(error.hint)}`)
  if (error.code === 'internal') lines.push('  This is a defect of kho-lab itself.', ...stackOf(error))
  return `${lines.join('\n')}\n`
}

function stackOf(error: LabError): readonly string[] {
  const cause = error.cause instanceof Error ? error.cause : error
  return (cause.stack ?? '')
    .split('\n')
    .slice(1, 6)
    .map((line) => `  ${line.trim()}`)
}
