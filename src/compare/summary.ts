import type { ComparedClaim, RunVerdict, Summary } from '../shared/documents/index.ts'

/**
 * Counts and the verdict of the run. A run that was lost is lost, whatever it had shown until then; a difference outweighs
 * what is missing. Unpredicted claims leave a run agreed: they are claims the model does not make. Claims there must be:
 * a run in which nothing was predicted and read has agreed on nothing.
 */
export function summarize(claims: readonly Pick<ComparedClaim, 'verdict'>[], lost: boolean): Summary {
  const count = (verdict: ComparedClaim['verdict']): number => claims.filter((claim) => claim.verdict === verdict).length
  const counts = {
    match: count('match'),
    differ: count('differ'),
    unobserved: count('unobserved'),
    unpredicted: count('unpredicted'),
  }
  return { ...counts, run: runVerdict(counts, lost) }
}

function runVerdict(counts: Omit<Summary, 'run'>, lost: boolean): RunVerdict {
  if (lost) return 'lost'
  if (counts.differ > 0) return 'disagreed'
  if (counts.unobserved > 0 || counts.match === 0) return 'incomplete'
  return 'agreed'
}
