import type { ExperimentListing, RunListing } from '../../shared/contract.ts'
import { hex } from '../../shared/units.ts'
import { formatPfn, parseAddress } from './address.ts'
import type { Place } from './place.ts'
import { formatWhen, runMark } from './words.ts'

/** Something that the finder can go to. */
export interface Found {
  readonly kind: 'address' | 'view' | 'experiment' | 'run' | 'claim'
  readonly text: string
  readonly words: string
  readonly to: Partial<Place>
}

export interface FindSources {
  readonly views: readonly {
    readonly id: string
    readonly name: string
    readonly words: string
    readonly followsAddress?: boolean
  }[]
  readonly experiments: readonly ExperimentListing[]
  readonly runs: readonly RunListing[]
  readonly claims: readonly { readonly id: string; readonly title: string }[]
}

const LIMIT = 60

/** What a typed text may mean: an address first, then names that hold all of its words, views before runs before claims. */
export function find(text: string, sources: FindSources): readonly Found[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (...texts: string[]): boolean => {
    const whole = texts.join(' ').toLowerCase()
    return words.every((word) => whole.includes(word))
  }
  const found: Found[] = [...addresses(text, sources.views)]
  for (const { id, name, words: about } of sources.views) {
    if (fits(name, about)) found.push({ kind: 'view', text: name, words: about, to: { view: id } })
  }
  for (const { id, name, description } of sources.experiments) {
    if (fits('experiment', name, id))
      found.push({ kind: 'experiment', text: name, words: description, to: { view: 'lab', item: id } })
  }
  for (const run of sources.runs) {
    if (fits('run', run.name, run.id))
      found.push({
        kind: 'run',
        text: run.name,
        words: `${runMark(run).words}, ${formatWhen(run.startedAt)}`,
        to: { view: 'live', run: run.id, hop: undefined },
      })
  }
  if (words.length === 0) return found.slice(0, LIMIT)
  for (const { id, title } of sources.claims) {
    if (found.length >= LIMIT) break
    if (fits(id, title)) found.push({ kind: 'claim', text: id, words: title, to: { view: 'claims', claim: id } })
  }
  return found.slice(0, LIMIT)
}

function addresses(text: string, views: FindSources['views']): Found[] {
  const at = parseAddress(text)
  if (at === undefined) return []
  return views
    .filter((view) => view.followsAddress)
    .map(({ id, name }) => ({ kind: 'address', text: hex(at), words: `${formatPfn(at)}, in ${name}`, to: { view: id, at } }))
}
