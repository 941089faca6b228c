/** A configuration as option → value; undefined stands for "is not set". */
export type KernelConfig = ReadonlyMap<string, string | undefined>

/** Reads a .config or a fragment; a later line wins. Lines that are neither an option nor unset are skipped. */
export function parseKernelConfig(text: string): KernelConfig {
  const config = new Map<string, string | undefined>()
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line)
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line)
    if (set?.[1] !== undefined) config.set(set[1], set[2])
    else if (unset?.[1] !== undefined) config.set(unset[1], undefined)
  }
  return config
}

export interface OptionNotTaken {
  readonly option: string
  readonly wanted: string | undefined
  readonly got: string | undefined
}

/**
 * Options that kconfig did not take as asked: silently dropped because a dependency is missing, or changed.
 * An option in `optional` may be missing, but a different value is still reported.
 */
export function optionsNotTaken(
  requested: KernelConfig,
  actual: KernelConfig,
  optional: readonly string[],
): readonly OptionNotTaken[] {
  return [...requested].flatMap(([option, wanted]) => {
    const got = actual.get(option)
    const excused = got === undefined && optional.includes(option)
    return got === wanted || excused ? [] : [{ option, wanted, got }]
  })
}

/** The fragment that a row asks for: the lab's, then the row's own lines. */
export const effectiveFragment = (fragment: string, rowLines: readonly string[]): string =>
  rowLines.length === 0 ? fragment : `${fragment.trimEnd()}\n\n# of this release\n${rowLines.join('\n')}\n`
