const SHIFTS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 }

/** memparse() (lib/cmdline.c): decimal, 0 octal or 0x hexadecimal, then one suffix. Undefined where there is no number. */
export function memparsePrefix(text: string): { readonly value: number; readonly rest: string } | undefined {
  const match = /^(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)([kmgtpe]?)/i.exec(text)
  if (!match) return undefined
  const [whole, digits = '', suffix = ''] = match
  const octal = digits.length > 1 && !/x/i.test(digits) && digits.startsWith('0')
  const number = octal ? Number.parseInt(digits, 8) : Number(digits)
  return { value: number * 1024 ** (SHIFTS[suffix.toLowerCase()] ?? 0), rest: text.slice(whole.length) }
}

/** A text that is one such number and nothing else. */
export function memparse(text: string): number | undefined {
  const parsed = memparsePrefix(text)
  return parsed?.rest === '' ? parsed.value : undefined
}
