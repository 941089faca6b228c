/** Milliseconds of every run of one thing. */
export interface Measured {
  readonly name: string
  readonly lab: readonly number[]
  /** The shell script's runs, where there is something to compare with. */
  readonly plain?: readonly number[]
  readonly bound: { readonly ratio: number } | { readonly ms: number }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

const ms = (value: number): string => `${Math.round(value)} ms`
const spread = (values: readonly number[]): string =>
  `${ms(median(values))} (${ms(Math.min(...values))} to ${ms(Math.max(...values))})`

/** A block per measurement: medians with their spread, and the bound. */
export function print(measured: readonly Measured[]): string {
  return measured
    .map(({ name, lab, plain, bound }) => {
      const lines = [`${name}: ${spread(lab)}, median of ${lab.length}`]
      if (plain !== undefined) lines.push(`  shell script: ${spread(plain)}; ratio ${(median(lab) / median(plain)).toFixed(3)}`)
      lines.push(`  bound: ${'ms' in bound ? ms(bound.ms) : `ratio ${bound.ratio}`}`)
      return `${lines.join('\n')}\n`
    })
    .join('')
}
