import { defectOf } from '../model/findings.ts'
import type { ComparedClaim, Finding, HopObservation, Observation } from '../shared/documents/index.ts'
import { shortValue } from './difference.ts'

/** One finding per claim that carries one: confirmed when the kernel was seen to behave as the model says it (wrongly) does. */
export function findingsOf(claims: readonly ComparedClaim[], observation: Observation): Finding[] {
  return claims.flatMap((claim) => {
    if (claim.finding === undefined) return []
    const entry = defectOf(claim.finding)
    const hop = observation.hops.find((candidate) => candidate.hop === claim.hop)
    return [
      {
        id: claim.finding,
        title: entry?.title ?? claim.title,
        status: statusOf(claim),
        words: [wordsOf(claim, hop), ...(claim.verdict === 'match' && entry !== undefined ? [entry.explanation] : [])].join(' '),
        hop: claim.hop,
        claim: claim.id,
        basis: [...(entry?.basis ?? claim.basis)],
      },
    ]
  })
}

function statusOf(claim: ComparedClaim): Finding['status'] {
  switch (claim.verdict) {
    case 'match':
      return 'confirmed'
    case 'differ':
      return 'refuted'
    case 'unobserved':
    case 'unpredicted':
      return 'not-observed'
  }
}

/** What debugfs and guest RAM each showed, with the numbers. */
function wordsOf(claim: ComparedClaim, hop: HopObservation | undefined): string {
  if (hop === undefined || claim.verdict === 'unobserved') return `Not observed: ${claim.reason}.`
  const words = `${debugfsWords(claim, hop)} ${ramWords(claim, hop)}`.trim()
  return claim.verdict === 'differ' ? `${words} Predicted was ${shortValue(claim.predicted)}.` : words
}

function debugfsWords(claim: ComparedClaim, { guest }: HopObservation): string {
  if (claim.subject === 'debugfs.outFdt') {
    const shown = 'value' in claim.guest ? outFdt(claim.guest.value) : undefined
    if (shown === undefined) return 'debugfs did not show out/fdt.'
    if (!shown.present) return 'debugfs has no out/fdt, although this kernel passes a handover tree on.'
    return `debugfs returns ${shown.size} bytes for out/fdt, whose own header says ${shown.headerTotalSize}.`
  }
  if (claim.subject === 'debugfs.inSubtrees.LUO' && guest.inSubtrees.ok) {
    const blob = guest.inSubtrees.value['LUO']
    if (blob === undefined) return 'debugfs has no in/sub_fdts/LUO.'
    return `debugfs in/sub_fdts/LUO returns ${blob.size} bytes${blob.hex === undefined ? '' : ` that begin with ${blob.hex.slice(0, 16)}`}.`
  }
  return 'value' in claim.guest ? `The guest shows ${shortValue(claim.guest.value)}.` : `Guest: ${claim.guest.unobserved}.`
}

function ramWords(claim: ComparedClaim, { host }: HopObservation): string {
  if (claim.subject === 'debugfs.outFdt') {
    if (!host.outRoot.ok) return `Guest RAM did not show it: ${host.outRoot.reason}.`
    const { address, blob, subtrees } = host.outRoot.value
    const names = subtrees.map(({ name }) => name).join(', ')
    return `The blob in guest RAM at ${address} holds ${blob.size} bytes with ${subtrees.length} sub nodes (${names}).`
  }
  if (claim.subject === 'debugfs.inSubtrees.LUO') {
    const subtree = host.inRoot?.ok === true ? host.inRoot.value.subtrees.find(({ name }) => name === 'LUO') : undefined
    const asked = 'An intact struct luo_ser begins with 6c756f2d76350000 ("luo-v5").'
    return subtree === undefined
      ? asked
      : `The handover tree in guest RAM places it at ${subtree.address}, ${subtree.size} bytes. ${asked}`
  }
  return 'value' in claim.host ? `Guest RAM shows ${shortValue(claim.host.value)}.` : ''
}

interface OutFdtShown {
  readonly present: boolean
  readonly size: number
  readonly headerTotalSize: number
}

function outFdt(value: unknown): OutFdtShown | undefined {
  if (value === null || typeof value !== 'object' || !('present' in value)) return undefined
  if (value.present === false) return { present: false, size: 0, headerTotalSize: 0 }
  if (!('size' in value) || !('headerTotalSize' in value)) return undefined
  const { size, headerTotalSize } = value
  return typeof size === 'number' && typeof headerTotalSize === 'number' ? { present: true, size, headerTotalSize } : undefined
}
