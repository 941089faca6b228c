import type { ClaimTable } from '../shared/contract.ts'
import { Verdict, type ComparedClaim, type Comparison } from '../shared/documents/index.ts'

/** The claims of a run without their values, as columns: a tenth of the bytes, so that 100,000 of them open at once. */
export function claimTable({ summary, findings, lost, outcomes = [], ended, claims, environment }: Comparison): ClaimTable {
  const texts = new Map<string, number>()
  const numbered = (text: string): number => {
    const index = texts.get(text) ?? texts.size
    texts.set(text, index)
    return index
  }
  const table = {
    ids: claims.map(({ id }) => id),
    hops: claims.map(({ hop }) => hop),
    verdicts: claims.map(({ verdict }) => Verdict.options.indexOf(verdict)),
    families: claims.map(({ family }) => numbered(family)),
    titles: claims.map(({ title }) => numbered(title)),
    reasons: claims.map(({ reason }) => numbered(reason)),
  }
  const attached = environment.attached !== undefined
  const notes = [...outcomes, ...(ended === undefined ? [] : [ended])]
  return { summary, findings, notes, attached, ...(lost === undefined ? {} : { lost }), ...table, texts: [...texts.keys()] }
}

/** The named claims, whole. One that does not exist is left out. */
export function claimsNamed({ claims }: Comparison, names: readonly string[]): ComparedClaim[] {
  const wanted = new Set(names)
  return claims.filter(({ id }) => wanted.has(id))
}
