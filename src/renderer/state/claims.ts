import { shallowReactive, shallowRef, type ShallowRef } from 'vue'
import type { ClaimTable, LabClient } from '../../shared/contract.ts'
import { problemOf, type Problem } from '../client/problem.ts'
import type { ComparedClaim, Finding, Summary, Verdict } from '../../shared/documents/index.ts'

/** A claim without its values. */
export interface ClaimRow {
  readonly id: string
  readonly hop: number
  readonly family: string
  readonly title: string
  readonly verdict: Verdict
  readonly reason: string
}

/** What a page knows of a run's comparison; the values of claims are asked for when they are looked at. */
export interface RunClaims {
  readonly summary: Summary
  readonly findings: readonly Finding[]
  /** Why the run ended early, where it did. */
  readonly lost?: string | undefined
  /** What became of kexecs that were not simply a handover that was taken. */
  readonly notes?: readonly string[] | undefined
  /** A look at a machine that the lab did not start. */
  readonly attached?: boolean
  readonly claims: readonly ClaimRow[]
}

/** In the order of the contract's `verdicts` column. */
const VERDICT_OF: readonly Verdict[] = ['match', 'differ', 'unobserved', 'unpredicted']

export function runClaims(table: ClaimTable): RunClaims {
  const { summary, findings, lost, notes, attached, texts } = table
  const text = (index: number | undefined): string => texts[index ?? -1] ?? ''
  const claims = table.ids.map((id, index): ClaimRow => ({
    id,
    hop: table.hops[index] ?? 0,
    family: text(table.families[index]),
    title: text(table.titles[index]),
    verdict: VERDICT_OF[table.verdicts[index] ?? -1] ?? 'unobserved',
    reason: text(table.reasons[index]),
  }))
  return { summary, findings, lost, notes, attached, claims }
}

/** Claims that were asked for are gathered this long, so that a page of rows is one request. */
const GATHER_MS = 15
/** As many as the contract lets one request ask for. */
const AT_ONCE = 500
/** More than this in memory, and the oldest go: a claim may hold 64 KiB of bytes. */
const KEPT = 4000

export interface ClaimValues {
  /** Why the last that were asked for did not come. */
  readonly problem: Readonly<ShallowRef<Problem | undefined>>
  /** The whole claim, or undefined while it is on its way. */
  readonly of: (id: string) => ComparedClaim | undefined
}

/** The values of claims that the page has already. */
export function wholeClaims(claims: readonly ComparedClaim[]): ClaimValues {
  const known = new Map(claims.map((claim) => [claim.id, claim]))
  return { problem: shallowRef<Problem>(), of: (id) => known.get(id) }
}

/** The values of a run's claims, fetched as they come into sight. */
export function createClaimValues(client: LabClient, run: string): ClaimValues {
  const known = shallowReactive(new Map<string, ComparedClaim>())
  const asked = new Set<string>()
  const problem = shallowRef<Problem>()
  let waiting: string[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  const fetch = async (): Promise<void> => {
    timer = undefined
    const claims = waiting.slice(-AT_ONCE)
    waiting = []
    try {
      for (const claim of await client.invoke('run:claims-named', { id: run, claims })) known.set(claim.id, claim)
      problem.value = undefined
    } catch (error) {
      problem.value = problemOf(error)
    }
    for (const claim of claims) asked.delete(claim)
    for (const oldest of [...known.keys()].slice(0, Math.max(0, known.size - KEPT))) known.delete(oldest)
  }

  return {
    problem,
    of: (id) => {
      const claim = known.get(id)
      if (claim === undefined && !asked.has(id)) {
        asked.add(id)
        waiting.push(id)
        timer ??= setTimeout(() => void fetch(), GATHER_MS)
      }
      return claim
    },
  }
}
