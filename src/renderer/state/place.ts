import { inject, readonly, ref, type InjectionKey, type Ref } from 'vue'
import { fromHex, hex } from '../../shared/units.ts'

/**
 * Where the window is and what is selected in it, shared by all views: a view that shows runs shows this run and this boot,
 * one that shows memory shows this address. Kept in the address after `#`, so that back, forward and reload work in every host.
 */
export interface Place {
  readonly view: string
  readonly run?: string | undefined
  readonly hop?: number | undefined
  /** Physical address in bytes. */
  readonly at?: number | undefined
  readonly claim?: string | undefined
  /** What the view alone selects: an experiment in Lab, a study in Policies. Another view does not know it. */
  readonly item?: string | undefined
}

export interface Navigator {
  readonly place: Readonly<Ref<Place>>
  /** Another view, or something else in this one: a step that Back undoes. What `change` does not name stays selected. */
  readonly go: (change: Partial<Place>) => void
  /** A selection inside the view: kept in the address, but no step of its own. */
  readonly select: (change: Partial<Place>) => void
}

export const NAVIGATOR: InjectionKey<Navigator> = Symbol('navigator')

export function usePlace(): Navigator {
  const navigator = inject(NAVIGATOR)
  if (!navigator) throw new Error('no navigator was provided')
  return navigator
}

export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2)
  const values = new URLSearchParams(query)
  const text = (name: string): string | undefined => values.get(name) ?? undefined
  const hop = text('hop')
  return {
    view: path,
    run: text('run'),
    hop: hop !== undefined && /^\d{1,3}$/.test(hop) ? Number(hop) : undefined,
    at: addressOf(text('at')),
    claim: text('claim'),
    item: text('item'),
  }
}

function addressOf(text: string | undefined): number | undefined {
  return text !== undefined && /^0x[0-9a-f]{1,13}$/i.test(text) ? fromHex(text) : undefined
}

export function formatPlace({ view, run, hop, at, claim, item }: Place): string {
  const query = [
    ['run', run],
    ['hop', hop],
    ['at', at === undefined ? undefined : hex(at)],
    ['claim', claim],
    ['item', item],
  ]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${String(name)}=${encodeURIComponent(String(value))}`)
    .join('&')
  return `#/${view}${query === '' ? '' : `?${query}`}`
}

export function createNavigator(page: Window): Navigator {
  const place = ref<Place>(parsePlace(page.location.hash))
  const read = (): void => {
    place.value = parsePlace(page.location.hash)
  }
  page.addEventListener('hashchange', read)
  return {
    place: readonly(place),
    go: (change) => {
      page.location.hash = formatPlace({ ...place.value, ...change })
    },
    select: (change) => {
      page.history.replaceState(undefined, '', formatPlace({ ...place.value, ...change }))
      read()
    },
  }
}
