/** What went wrong, in a form that a person, a script and the app can all use. */
export interface LabErrorInit {
  /** Stable name, kebab-case; listed in docs/user-guide.md. */
  readonly code: LabErrorCode
  /** One sentence: what happened. */
  readonly message: string
  /** One sentence: what to do about it. */
  readonly hint?: string
  /** Lines that prove it: QEMU's stderr, the last serial lines, a build log's end. */
  readonly evidence?: readonly string[]
}

export type LabErrorCode =
  | 'usage'
  | 'bad-experiment'
  | 'bad-study'
  | 'bad-kernel'
  | 'not-enough-memory'
  | 'not-enough-disk'
  | 'disk-full'
  | 'out-unwritable'
  | 'tool-missing'
  | 'image-missing'
  | 'image-build-failed'
  | 'image-locked'
  | 'qemu-missing'
  | 'qemu-start-failed'
  | 'guest-silent'
  | 'guest-panicked'
  | 'guest-died'
  | 'guest-out-of-memory'
  | 'guest-command-failed'
  | 'ssh-failed'
  | 'kho-absent'
  | 'kexec-refused'
  | 'fault-impossible'
  | 'monitor-busy'
  | 'monitor-unreachable'
  | 'ram-unreadable'
  | 'run-not-found'
  | 'bad-document'
  | 'bad-blob'
  | 'refused'
  | 'cancelled'
  | 'internal'

/** The one error class that crosses rooms. Anything else that is thrown is a defect of the lab. */
export class LabError extends Error {
  readonly code: LabErrorCode
  readonly hint: string | undefined
  readonly evidence: readonly string[]

  constructor(init: LabErrorInit, options?: ErrorOptions) {
    super(init.message, options)
    this.name = 'LabError'
    this.code = init.code
    this.hint = init.hint
    this.evidence = init.evidence ?? []
  }

  toJSON(): LabErrorInit {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.evidence.length === 0 ? {} : { evidence: this.evidence }),
    }
  }
}

/** For pure code, where failing is an ordinary answer: decoders return it and never throw. */
export type Result<T, E = string> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error })

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Wraps anything thrown as a LabError, keeping one that is one already. */
export function toLabError(error: unknown): LabError {
  if (error instanceof LabError) return error
  if (error instanceof Error && error.name === 'AbortError') {
    return new LabError({ code: 'cancelled', message: 'cancelled' }, { cause: error })
  }
  return new LabError({ code: 'internal', message: messageOf(error) }, { cause: error })
}
