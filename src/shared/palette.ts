import type { StudyMapKind } from './study-names.ts'

/** What a range of guest physical memory is, as drawn in reports and in the app. Of two on one pixel the later in this list is shown. */
export const MEMORY_KINDS = [
  'ram',
  'firmware',
  'scratch',
  'reserved',
  'pagetable',
  'initrd',
  'kernel',
  'segment',
  'handover',
  'preserved',
  'difference',
] as const
export type MemoryKind = (typeof MEMORY_KINDS)[number]

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
  reserved: { light: '#b5a58f', dark: '#8c7d68', label: 'early reservation' },
  pagetable: { light: '#9a6fb0', dark: '#a884bd', label: 'page tables' },
  initrd: { light: '#cc79a7', dark: '#cc79a7', label: 'initrd' },
  kernel: { light: '#009e73', dark: '#12a97f', label: 'kernel' },
  segment: { light: '#0072b2', dark: '#3a8fd0', label: 'other kexec segment' },
  handover: { light: '#cdbb00', dark: '#f0e442', label: "KHO's own pages" },
  preserved: { light: '#e69f00', dark: '#e69f00', label: 'preserved' },
  difference: { light: '#d55e00', dark: '#f0762b', label: 'difference' },
}

/** The same colours where the same is meant; what only the page model knows has its own. */
export const studyPalette: Readonly<Record<StudyMapKind, Ink>> = {
  free: { ...palette.ram, label: 'free' },
  movable: { light: '#7f74b8', dark: '#9488d0', label: 'page cache, anonymous' },
  kernel: { ...palette.kernel, label: 'slab, page tables, segments' },
  boot: { ...palette.reserved, label: 'booted kernel, memory map' },
  vm: { ...palette.preserved, label: 'handed over: VM memory' },
  state: { light: '#8f4d00', dark: '#c27a1c', label: 'handed over: drivers, IOMMU, radix tree' },
  overwritten: { ...palette.difference, label: 'handed over and overwritten' },
}
