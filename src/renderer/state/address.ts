import { GiB, hex, KiB, MiB, PAGE_SHIFT, PAGE_SIZE, parseSize, PHYS_ADDR_LIMIT, TiB } from '../../shared/units.ts'

/**
 * A physical address as a person types it: `0x3a400000`, `3a400000h`, `pfn 0x3a400`, `3GiB`, and sums of these such as
 * `1GiB+0x2000`. Undefined when it is none, or beyond the 52 bits that x86-64 has.
 */
export function parseAddress(text: string): number | undefined {
  const terms = text.trim().toLowerCase().split('+')
  let sum = 0
  for (const term of terms) {
    const value = parseTerm(term.trim())
    if (value === undefined) return undefined
    sum += value
  }
  return Number.isSafeInteger(sum) && sum >= 0 && sum < PHYS_ADDR_LIMIT ? sum : undefined
}

function parseTerm(term: string): number | undefined {
  const pfn = /^pfn\s*:?\s*(0x[0-9a-f]+|\d+)$/.exec(term)
  if (pfn) return Number(pfn[1]) * PAGE_SIZE
  if (/^0x[0-9a-f]{1,13}$/.test(term)) return Number(term)
  const bare = /^([0-9a-f]{1,13})h$/.exec(term)
  if (bare) return Number(`0x${bare[1] ?? ''}`)
  return /[a-z]/.test(term) ? parseSize(term) : undefined
}

/** `pfn 0x3a400`, in the base that the kernel prints pfns in. */
export const formatPfn = (address: number): string => `pfn ${hex(Math.floor(address / 2 ** PAGE_SHIFT))}`

/** At most six characters of digits with a unit: a size to read, not to compute with. */
export function roughSize(size: number): string {
  for (const [unit, name] of [
    [TiB, 'TiB'],
    [GiB, 'GiB'],
    [MiB, 'MiB'],
    [KiB, 'KiB'],
  ] as const) {
    if (size < unit) continue
    const amount = size / unit
    return `${Number.isInteger(amount) ? amount : amount.toFixed(amount < 10 ? 2 : 1)} ${name}`
  }
  return `${size} B`
}

/** Addresses inside a text: at least five digits, so that counts and small sizes stay plain, and not what is called a size. */
const IN_TEXT = /(?<!(?:size|sz|align|length): ?)\b0x[0-9a-f]{5,13}\b/gi

export type TextPart = { readonly text: string; readonly address?: number }

/** Cuts a text at the addresses in it. */
export function partsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of text.matchAll(IN_TEXT)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index) })
    parts.push({ text: match[0], address: Number(match[0]) })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push({ text: text.slice(from) })
  return parts
}
