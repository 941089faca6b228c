import { z } from 'zod'
import type { SetReport, StepObservation, WorkloadObservation } from '../../shared/documents/index.ts'
import type { Subject } from '../../shared/documents/subjects.ts'
import { from, host, never, onHop, unobserved, value, type Look, type ObserversOf, type Seen, type SideOf } from '../side.ts'

type WorkloadSubject = Extract<Subject, `workload.${string}`>

const IN_THE_GUEST = "struct page and errors are the guest's to tell"
const IN_RAM = 'the guest is not asked about memory that is not its own'

const Indexed = z.array(z.object({ index: z.int() }))

const workload = <T>(look: (seen: WorkloadObservation, all: Seen) => Look<T>): SideOf<T> =>
  onHop((seen) => (seen.hop.workload === undefined ? unobserved('this boot had no workload') : look(seen.hop.workload, seen)))

const shapeOf = ({ name, kind, entries, pages }: Pick<SetReport, 'name' | 'kind' | 'entries' | 'pages'>) => ({
  name,
  kind,
  entries,
  pages,
})

/** The steps that the prediction names, in its order; nothing when one of them was not carried out. */
function named<T>(seen: WorkloadObservation, predicted: unknown, of: (step: StepObservation) => T | undefined): Look<T[]> {
  const asked = Indexed.safeParse(predicted)
  // Where nothing is predicted, whatever was seen is shown.
  const wanted = asked.success ? asked.data.map(({ index }) => index) : undefined
  const found: T[] = []
  for (const index of wanted ?? seen.steps.map((step) => step.index)) {
    const step = seen.steps.find((candidate) => candidate.index === index)
    const made = step === undefined ? undefined : of(step)
    if (made !== undefined) found.push(made)
    else if (wanted !== undefined) return unobserved(`step ${index} of this boot did not show it`)
  }
  return value(found)
}

const steps = <T>(of: (step: StepObservation) => T | undefined): SideOf<T[]> =>
  workload((seen, { claim }) => named(seen, claim.predicted, of))

const afterRestore = <T>(
  of: (set: SetReport, restored: NonNullable<SetReport['restored']>, step: StepObservation) => T | undefined,
): SideOf<T[]> =>
  workload((seen, { claim }) => {
    // That nothing comes back is a prediction too: every step is asked then.
    const predicted = Array.isArray(claim.predicted) && claim.predicted.length === 0 ? undefined : claim.predicted
    return named(seen, predicted, (step) =>
      step.command.startsWith('restore ') && step.set?.restored !== undefined ? of(step.set, step.set.restored, step) : undefined,
    )
  })

export const workloadObservers: ObserversOf<WorkloadSubject> = {
  'workload.steps': {
    guest: steps(({ index, step, result }) => ({ index, step, result })),
    host: never(IN_THE_GUEST),
  },
  'workload.calls': {
    guest: steps(({ index, command, call }) =>
      call === undefined ? undefined : { index, function: command.split(' ')[0] ?? '', answer: call.answer },
    ),
    host: never('preserved.records shows from outside what became of the records'),
  },
  'workload.inherited': {
    guest: workload(({ inherited }) => from(inherited, 'khoprobe', (sets) => value(sets.map(shapeOf)))),
    host: onHop(({ previous }) => {
      if (previous === undefined) return unobserved('the boot before was not observed')
      if (previous.host.probeTable === undefined) return unobserved('the tree of the boot before has no khoprobe table')
      return from(previous.host.probeTable, 'the khoprobe table', ({ sets }) => value(sets.map(shapeOf)))
    }),
  },
  'workload.preserved': {
    guest: workload(({ left }) =>
      from(left, 'khoprobe', (sets) => value(sets.filter(({ state }) => state === 'preserved').map(shapeOf))),
    ),
    host: host((view) => {
      if (view.probeTable !== undefined)
        return from(view.probeTable, 'the khoprobe table', ({ sets }) => value(sets.map(shapeOf)))
      return view.outRoot.ok ? value([]) : unobserved(`the tree was not found: ${view.outRoot.reason}`)
    }),
  },
  'workload.restored': {
    guest: afterRestore(({ name, hash }, { sameKva: _sameKva, ...restored }, { index }) => ({ index, name, hash, ...restored })),
    host: never(IN_THE_GUEST),
  },
  'workload.entries': {
    guest: afterRestore(({ name }, _restored, { index, entries }) => ({
      index,
      name,
      entries: (entries ?? []).map(({ start, hasOrder, compound, refcount, node }) => ({
        start,
        order: hasOrder,
        compound,
        refcount,
        node,
      })),
    })),
    host: never(IN_THE_GUEST),
  },
  'workload.marks': {
    guest: never('workload.entries has what the guest says of them'),
    host: host((view) => from(view.takenBack, 'struct page in guest RAM', (sets) => value(sets))),
  },
  'workload.kva': {
    guest: afterRestore(({ name }, { sameKva }, { index }) => ({ index, name, same: sameKva })),
    host: never(IN_THE_GUEST),
  },
  'workload.intact': {
    guest: steps(({ index, command, set }) =>
      command.startsWith('verify ') && set?.intact !== undefined ? { index, name: set.name, pages: set.intact } : undefined,
    ),
    host: never('handover.content shows the same pages from outside'),
  },
  'workload.control': {
    guest: never(IN_RAM),
    host: host((view, { claim }) =>
      from(view.control, 'the control group', (groups) => {
        const asked = z.object({ sets: z.array(z.string()) }).safeParse(claim.predicted)
        const names = asked.success ? asked.data.sets : groups.map(({ name }) => name)
        const found = names.flatMap((name) => groups.filter((group) => group.name === name))
        if (found.length !== names.length) return unobserved('a set that was not preserved was not looked at')
        return value({ sets: names, overwritten: found.some(({ changed }) => changed > 0) })
      }),
    ),
  },
}
