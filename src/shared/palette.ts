/** What a range of guest physical memory is, as drawn in reports and in the app. */
export type MemoryKind = 'ram' | 'firmware' | 'scratch' | 'preserved' | 'kernel' | 'initrd' | 'difference'

export interface Ink {
  readonly light: string
  readonly dark: string
  readonly label: string
}

/**
 * One colour per kind, everywhere. The hues are those that Okabe and Ito chose to be told apart with every kind of colour
 * vision; kinds also differ in lightness, and a difference is hatched as well, so that no meaning hangs on hue alone.
 */
export const palette: Readonly<Record<MemoryKind, Ink>> = {
  ram: { light: '#dfe3e8', dark: '#30363d', label: 'RAM' },
  firmware: { light: '#8b949e', dark: '#6e7681', label: 'firmware reserved' },
  scratch: { light: '#56b4e9', dark: '#4aa3d6', label: 'scratch' },
  preserved: { light: '#e69f00', dark: '#e69f00', label: 'preserved' },
  kernel: { light: '#009e73', dark: '#12a97f', label: 'kernel' },
  initrd: { light: '#cc79a7', dark: '#cc79a7', label: 'initrd' },
  difference: { light: '#d55e00', dark: '#f0762b', label: 'difference' },
}
