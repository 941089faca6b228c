import type { GuestView, HopObservation, HostView, Observation, Reading, ResolvedClaim } from '../shared/documents/index.ts'
import type { Subject, SubjectValues } from '../shared/documents/subjects.ts'
import type { Result } from '../shared/result.ts'

/** One side of a claim: the value in the subject's exact shape, or why there is none. */
export type Look<T> = { readonly value: T } | { readonly unobserved: string }

/** What a side may look at. `predicted` serves subjects whose question is part of it (an alignment, a list of places); never as an answer. */
export interface Context {
  readonly claim: Pick<ResolvedClaim, 'hop' | 'part' | 'predicted'>
  readonly observation: Observation
}

/** One boot, with its neighbours. */
export interface Seen extends Context {
  readonly hop: HopObservation
  /** Absent on hop 0 and when that boot was not observed. */
  readonly previous: HopObservation | undefined
  readonly next: HopObservation | undefined
}

export type SideOf<T> = (context: Context) => Look<T>

/** How one subject is found in an observation, on each side. */
export interface Observer<T> {
  readonly guest: SideOf<T>
  readonly host: SideOf<T>
}
export type ObserversOf<S extends Subject> = { readonly [K in S]: Observer<SubjectValues[K]> }

export const value = <T>(found: T): Look<T> => ({ value: found })
export const unobserved = (reason: string): { readonly unobserved: string } => ({ unobserved: reason })
export const hasValue = <T>(side: Look<T>): side is { readonly value: T } => 'value' in side && side.value !== undefined

/** A side that cannot show the subject by its nature. */
export const never = (reason: string) => (): { readonly unobserved: string } => unobserved(reason)

/** Looks at the claim's own boot; a boot that was not observed shows nothing. */
export const onHop =
  <T>(look: (seen: Seen) => Look<T>): SideOf<T> =>
  (context) => {
    const { observation, claim } = context
    const at = (hop: number): HopObservation | undefined => observation.hops.find((candidate) => candidate.hop === hop)
    const hop = at(claim.hop)
    if (hop !== undefined) return look({ ...context, hop, previous: at(claim.hop - 1), next: at(claim.hop + 1) })
    return unobserved(
      `boot ${claim.hop} was not observed${observation.lost === undefined ? '' : `: ${observation.lost.message}`}`,
    )
  }

export const guest = <T>(look: (view: GuestView, seen: Seen) => Look<T>): SideOf<T> => onHop((seen) => look(seen.hop.guest, seen))
export const host = <T>(look: (view: HostView, seen: Seen) => Look<T>): SideOf<T> => onHop((seen) => look(seen.hop.host, seen))

/** Applies `extract` to a reading that succeeded; a reading that failed keeps its reason. */
export function from<T, V>(reading: Reading<T> | undefined, what: string, extract: (read: T) => Look<V>): Look<V> {
  if (reading === undefined) return unobserved(`${what} was not read`)
  return reading.ok ? extract(reading.value) : unobserved(`${what}: ${reading.reason}`)
}

/** Applies `extract` to what a decoder made of bytes; a decoder's refusal becomes the reason. */
export function decoded<T, V>(result: Result<T>, what: string, extract: (decodedValue: T) => Look<V>): Look<V> {
  return result.ok ? extract(result.value) : unobserved(`${what} does not decode: ${result.error}`)
}

/** The bytes of a blob that is kept inline, or undefined when only its hash is. */
export function bytesOf(blob: { readonly size: number; readonly hex?: string | undefined }): Uint8Array | undefined {
  if (blob.hex === undefined || blob.hex.length !== blob.size * 2) return undefined
  const bytes = new Uint8Array(blob.size)
  for (let at = 0; at < blob.size; at += 1) bytes[at] = Number.parseInt(blob.hex.slice(at * 2, at * 2 + 2), 16)
  return bytes
}

/** Decodes a blob that is kept inline. */
export function decodedBlob<T, V>(
  blob: { readonly size: number; readonly hex?: string | undefined },
  what: string,
  decode: (bytes: Uint8Array) => Result<T>,
  extract: (decodedValue: T) => Look<V>,
): Look<V> {
  const bytes = bytesOf(blob)
  return bytes === undefined
    ? unobserved(`the bytes of ${what} are not in the observation`)
    : decoded(decode(bytes), what, extract)
}
