import { computed, inject, watch, type ComputedRef, type InjectionKey } from 'vue'
import type { RunListing } from '../../shared/contract.ts'
import type { Summary } from '../../shared/documents/index.ts'
import type { Lab, RunRecord } from './lab.ts'
import type { Navigator } from './place.ts'

/** The run that all views of a run show. */
export interface CurrentRun {
  /** Undefined while nothing has been run. */
  readonly id: ComputedRef<string | undefined>
  readonly listing: ComputedRef<RunListing | undefined>
  readonly record: ComputedRef<RunRecord | undefined>
  readonly going: ComputedRef<boolean>
  readonly summary: ComputedRef<Summary | undefined>
  /** Boots that are known of, ascending; 0 is the first boot. */
  readonly hops: ComputedRef<readonly number[]>
  /** The boot that views of one boot show: the selected one, else the last. */
  readonly hop: ComputedRef<number>
  readonly nameOf: (hop: number) => string
}

export const RUN: InjectionKey<CurrentRun> = Symbol('run')

export function useRun(): CurrentRun {
  const run = inject(RUN)
  if (!run) throw new Error('no run was provided')
  return run
}

/** Follows the place to a run, and keeps what is known of that run current. One per page. */
export function followRun(lab: Lab, { place }: Navigator): CurrentRun {
  const id = computed(() => place.value.run ?? lab.running.value[0]?.id ?? lab.runs.value?.[0]?.id)
  const listing = computed(() => lab.runs.value?.find((run) => run.id === id.value))
  const record = computed(() => (id.value === undefined ? undefined : lab.recordOf(id.value)))
  const going = computed(
    () => record.value?.loaded === true && record.value.state.end === undefined && listing.value?.state === 'running',
  )
  const summary = computed(() => record.value?.comparison?.summary ?? listing.value?.summary)
  const hops = computed(() => {
    const seen = new Set(record.value?.state.hops.map((times) => times.hop))
    for (const claim of record.value?.comparison?.claims ?? []) seen.add(claim.hop)
    return [...seen].sort((a, b) => a - b)
  })
  const hop = computed(() => {
    const wanted = place.value.hop
    return wanted !== undefined && hops.value.includes(wanted) ? wanted : (hops.value.at(-1) ?? 0)
  })

  watch(
    () => [id.value, record.value?.loaded] as const,
    ([run]) => {
      if (run !== undefined) void lab.watchRun(run)
    },
    { immediate: true },
  )
  watch(
    () => [id.value, listing.value?.state, record.value?.comparison] as const,
    ([run, state]) => {
      const known = record.value
      if (run !== undefined && state === 'done' && known && !known.comparison && !known.comparisonProblem)
        void lab.loadComparison(run)
    },
    { immediate: true },
  )
  const nameOf = (number: number): string => hopName(number, record.value?.comparison?.attached)
  return { id, listing, record, going, summary, hops, hop, nameOf }
}

/** Of an attached machine nobody counted how often it has been through a kexec. */
export const hopName = (hop: number, attached = false): string =>
  attached ? 'as found' : hop === 0 ? 'first boot' : `hop ${hop}`
