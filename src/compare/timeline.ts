import {
  HopPhaseName,
  type Fate,
  type HopObservation,
  type Observation,
  type SetReport,
  type Timeline,
  type TimelineBoot,
} from '../shared/documents/index.ts'

/** The boots of a run in a row: what moved, stayed and was lost from one to the next, and how long each part took. */
export function timelineOf({ environment, hops }: Pick<Observation, 'environment' | 'hops'>): Timeline {
  const boots = hops.map((hop, index) => bootOf(hop, hops[index - 1]))
  return {
    accelerator: environment.accelerator.used,
    boots,
    spread: HopPhaseName.options.flatMap((phase) => {
      const times = boots
        .flatMap(({ phases }) => phases.filter((one) => one.phase === phase).map(({ ms }) => ms))
        .sort((a, b) => a - b)
      const [min, max] = [times[0], times.at(-1)]
      return min === undefined || max === undefined
        ? []
        : [{ phase, hops: times.length, min, median: times[Math.floor(times.length / 2)] ?? min, max }]
    }),
  }
}

function bootOf(seen: HopObservation, before: HopObservation | undefined): TimelineBoot {
  const { hop, guest, host, workload, hopPhases = [] } = seen
  const kernel = guest.iomem.ok ? guest.iomem.value.find(({ name }) => name === 'Kernel code')?.start : undefined
  return {
    hop,
    ...(kernel === undefined ? {} : { kernel }),
    ...(host.outRoot.ok ? { root: host.outRoot.value.address } : {}),
    ...(host.addressSpace?.ok ? { directMap: host.addressSpace.value.pageOffsetBase } : {}),
    sets: before === undefined ? [] : fatesOf(seen, before),
    phases: hopPhases,
    steps: (workload?.steps ?? []).map(({ step, result, ms }) => ({ step, result, ms })),
  }
}

/** Nothing is said of sets that were not listed, or where the table of the boot before was not read. */
function fatesOf({ workload }: HopObservation, before: HopObservation): TimelineBoot['sets'] {
  const left = before.workload?.left
  if (workload === undefined || left === undefined || !left.ok || !workload.inherited.ok) return []
  const inherited = new Set(workload.inherited.value.map(({ name }) => name))
  return left.value.map((set) => {
    const restored = workload.steps.find(({ command }) => command === `restore ${set.name}`)?.set
    const [fate, words] = fateOf(set, inherited.has(set.name), restored)
    return { name: set.name, pages: set.pages, fate, words }
  })
}

function fateOf(set: SetReport, inherited: boolean, restored: SetReport | undefined): readonly [Fate, string] {
  if (!inherited) return ['lost', set.state === 'preserved' ? 'preserved, but not found' : 'not preserved']
  const outcome = restored?.restored
  if (outcome === undefined) return ['not taken back', 'still held by KHO']
  if (outcome.lost > 0) return ['lost', `${outcome.lost} of ${set.entries} entries could not be restored`]
  if (restored?.hash !== set.hash) return ['moved', 'physical addresses or orders are not those of the boot before']
  return ['stayed', kvaWords(outcome.sameKva, set.entries)]
}

function kvaWords(same: number, entries: number): string {
  if (same === entries) return 'same physical and kernel virtual addresses'
  return same === 0 ? 'same physical addresses, other kernel virtual ones' : `same physical addresses, ${same} same virtual ones`
}
