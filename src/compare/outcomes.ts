import type { ComparedClaim, InjectedFault, Observation, SubjectValues } from '../shared/documents/index.ts'
import { hex } from '../shared/units.ts'

type Outcome = SubjectValues['boot.outcome']

/**
 * A sentence for each kexec that was not simply a handover that the next kernel took: what the lab did to it, and how the boot behind it
 * went.
 */
export function outcomesOf(claims: readonly ComparedClaim[], { hops }: Pick<Observation, 'hops'>): readonly string[] {
  return claims.flatMap((claim) => {
    if (claim.subject !== 'boot.outcome') return []
    const injected = hops.find(({ hop }) => hop === claim.hop - 1)?.injected
    if (injected === undefined && claim.verdict === 'match' && isHandover(claim.predicted)) return []
    const refused = claims.find(({ subject, hop }) => subject === 'handover.refused' && hop === claim.hop)
    return [
      `${injected === undefined ? '' : `${injectedWords(injected)} `}Boot ${claim.hop} ${wentWords(claim, saidWords(refused))}.`,
    ]
  })
}

const isHandover = (value: unknown): boolean => isOutcome(value) && value.how === 'handover'

const isOutcome = (value: unknown): value is Outcome =>
  value !== null && typeof value === 'object' && 'how' in value && typeof value.how === 'string'

function wentWords({ verdict, predicted, guest, reason }: ComparedClaim, said: string): string {
  const expected = isOutcome(predicted) ? outcomeWords(predicted) : undefined
  const seen = 'value' in guest && isOutcome(guest.value) ? outcomeWords(guest.value) : undefined
  if (seen === undefined) return `was not seen to come up or to die (${reason})`
  if (verdict === 'match') return `${seen}${said}, as predicted`
  return `${seen}${said}${expected === undefined ? ', which was not predicted' : `; predicted was that it ${expected}`}`
}

function outcomeWords(outcome: Outcome): string {
  switch (outcome.how) {
    case 'handover':
      return 'came up and took the handover'
    case 'no-handover':
      return 'came up without a handover'
    case 'panic':
      return `panicked (${outcome.message})`
    case 'halted':
      return `halted in ${outcome.at}()`
  }
}

function saidWords(refused: ComparedClaim | undefined): string {
  if (refused === undefined || !('value' in refused.guest) || !Array.isArray(refused.guest.value)) return ''
  const lines = refused.guest.value.filter((line) => typeof line === 'string')
  return lines.length === 0 ? ' and said nothing of it' : ` and said “${lines.join('; ')}”`
}

const injectedWords = ({ what, address, before, after }: InjectedFault): string =>
  `Before the kexec the lab changed ${what} at ${address} from ${bytesWords(before)} to ${bytesWords(after)}.`

/** Text where the bytes are printable; eight others are an address, as KHO writes them; else the bytes. */
function bytesWords(hexadecimal: string): string {
  const pairs = hexadecimal.match(/../g) ?? []
  const bytes = pairs.map((byte) => Number.parseInt(byte, 16))
  if (bytes.length === 8 && bytes.some((byte) => byte <= 0x20)) return hex(BigInt(`0x${[...pairs].reverse().join('')}`))
  return bytes.length > 0 && bytes.every((byte) => byte > 0x20 && byte < 0x7f)
    ? String.fromCharCode(...bytes)
    : `0x${hexadecimal}`
}
