import { readonly, ref, type Ref } from 'vue'

const KEY = 'kho-lab.theme'
const dark = ref(false)

function apply(next: boolean): void {
  dark.value = next
  document.documentElement.dataset['theme'] = next ? 'dark' : 'light'
}

/** Light or dark: the system's choice until the user makes one. */
export function useTheme(): { dark: Readonly<Ref<boolean>>; toggle: () => void } {
  return {
    dark: readonly(dark),
    toggle: () => {
      apply(!dark.value)
      localStorage.setItem(KEY, dark.value ? 'dark' : 'light')
    },
  }
}

export function startTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const chosen = localStorage.getItem(KEY)
  apply(chosen === null ? system.matches : chosen === 'dark')
  system.addEventListener('change', (event) => {
    if (localStorage.getItem(KEY) === null) apply(event.matches)
  })
}
