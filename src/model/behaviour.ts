import type { KernelFacts } from '../shared/documents/index.ts'

/**
 * What kernels of a series do, as far as this model has its rules. A series that is not listed is one whose source the
 * rules were not read from: its behaviour is unpredicted, never guessed from a neighbour.
 */
export interface Behaviour {
  /** `7.3` of `7.3.4`. */
  readonly series: string
  /** KHO_FDT_COMPATIBLE. */
  readonly khoCompatible: string
  /** SCRATCH_ALIGNMENT_BYTES. */
  readonly scratchAlignment: number
  /** KHO_KEXEC_METADATA_VERSION and sizeof(struct kho_kexec_metadata). */
  readonly metadata: { readonly version: number; readonly size: number }
  readonly memblockCompatible: string
  /** LUO_ABI_COMPATIBLE and sizeof(struct luo_ser). */
  readonly luo: { readonly compatible: string; readonly size: number }
  /** The steps of src/model/boot/ are those of this series: its early reservations were read from its source, in their order. */
  readonly scheduleKnown: boolean
}

const radixV4 = {
  khoCompatible: 'kho-v4',
  scratchAlignment: 4 * 1024 * 1024,
  metadata: { version: 1, size: 73 },
  memblockCompatible: 'memblock-v1',
  luo: { compatible: 'luo-v5', size: 32 },
}

const behaviours: readonly Behaviour[] = [
  { series: '7.2', ...radixV4, scheduleKnown: false },
  { series: '7.3', ...radixV4, scheduleKnown: true },
]

/** `7.3.4-lab` is of series `7.3`; undefined when the text does not begin with a version. */
const seriesOf = (release: string): string | undefined => /^(\d+\.\d+)(?!\d)/.exec(release)?.[1]

/** The rules for a kernel, from its `uname -r`; undefined when the model has none. */
export const behaviourOf = (release: string): Behaviour | undefined =>
  behaviours.find((behaviour) => behaviour.series === seriesOf(release))

export const rulesMissing = (release: string): string =>
  `the model has the rules of ${behaviours.map((known) => known.series).join(' and ')}, not of release ${release}`

/**
 * CONFIG_KEXEC_HANDOVER is not set; only a kernel that the lab built says so. What a boot before hands over, add_kho() (arch/x86/kernel/setup.c, 7.3) then
 * ignores.
 */
export const builtWithout = ({ build }: KernelFacts): boolean => build !== undefined && !build.options.includes('KEXEC_HANDOVER')

/** Why the model does not know what a kernel reserves before its page allocator runs; undefined where it does. */
export function whyScheduleUnknown(release: string): string | undefined {
  const behaviour = behaviourOf(release)
  if (behaviour === undefined) return rulesMissing(release)
  const read = behaviours.filter((known) => known.scheduleKnown).map((known) => known.series)
  return behaviour.scheduleKnown
    ? undefined
    : `the early reservations of ${read.join(' and ')} are known in their order, not those of ${behaviour.series}`
}
