import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where runs go that are given no folder: $XDG_STATE_HOME/kho-lab/runs, else ~/.local/state/kho-lab/runs. */
export function runsDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const state = env['XDG_STATE_HOME']
  return join(state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local/state'), 'kho-lab/runs')
}

/** Names a run: `20261122-101500-two-nodes` (UTC), the form of RunId in the contract. */
export function newRunId(experimentName: string, now: Date): string {
  const time = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const slug = experimentName.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 60)
  return `${time}-${slug === '' ? 'run' : slug}`
}
