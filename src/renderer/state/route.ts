import { readonly, ref, type Ref } from 'vue'

export const RUN_TABS = ['live', 'claims', 'findings', 'report'] as const
export type RunTab = (typeof RUN_TABS)[number]

/** Where the window is. Kept in the address after `#`, so that back, forward and reload work in every host. */
export type Route =
  | { readonly view: 'home' }
  | { readonly view: 'experiment'; readonly id: string }
  | { readonly view: 'run'; readonly id: string; readonly tab: RunTab; readonly claim?: string }
  | { readonly view: 'machine' }

export function parseRoute(hash: string): Route {
  const [view, id, tab, claim] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decodePart)
  if (view === 'machine') return { view }
  if (view === 'experiment' && id) return { view, id }
  if (view === 'run' && id) {
    const known = RUN_TABS.find((name) => name === tab) ?? 'live'
    return claim ? { view, id, tab: known, claim } : { view, id, tab: known }
  }
  return { view: 'home' }
}

export function formatRoute(route: Route): string {
  switch (route.view) {
    case 'home':
      return '#/'
    case 'machine':
      return '#/machine'
    case 'experiment':
      return `#/experiment/${encodeURIComponent(route.id)}`
    case 'run':
      return `#/run/${encodeURIComponent(route.id)}/${route.tab}${route.claim ? `/${encodeURIComponent(route.claim)}` : ''}`
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return part
    throw error
  }
}

export function useRoute(page: Window): { route: Readonly<Ref<Route>>; go: (route: Route) => void } {
  const route = ref<Route>(parseRoute(page.location.hash))
  page.addEventListener('hashchange', () => {
    route.value = parseRoute(page.location.hash)
  })
  return {
    route: readonly(route),
    go: (next) => {
      page.location.hash = formatRoute(next)
    },
  }
}
