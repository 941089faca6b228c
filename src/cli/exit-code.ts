import type { RunVerdict } from '../shared/documents/index.ts'
import type { LabErrorCode } from '../shared/result.ts'

/** What the process ends with; documented in docs/user-guide.md. */
export const EXIT = { agreed: 0, disagreed: 1, incomplete: 2, usage: 64 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export function exitCodeOfVerdict(verdict: RunVerdict): ExitCode {
  switch (verdict) {
    case 'agreed':
      return EXIT.agreed
    case 'disagreed':
      return EXIT.disagreed
    case 'incomplete':
    case 'lost':
      return EXIT.incomplete
  }
}

/** Errors in what was typed or written end with 64; everything that happened later ends with 2. */
export function exitCodeOfError(code: LabErrorCode): ExitCode {
  switch (code) {
    case 'usage':
    case 'bad-experiment':
    case 'bad-study':
    case 'bad-kernel':
      return EXIT.usage
    default:
      return EXIT.incomplete
  }
}
