import type { Side } from '../../shared/documents/index.ts'
import type { Subject } from '../../shared/documents/subjects.ts'
import type { Context, ObserversOf } from '../side.ts'
import { bootObservers } from './boot.ts'
import { debugfsObservers } from './debugfs.ts'
import { firmwareObservers } from './firmware.ts'
import { handoverObservers } from './handover.ts'
import { invariantObservers } from './invariant.ts'
import { kexecObservers } from './kexec.ts'
import { loaderObservers } from './loader.ts'
import { luoObservers } from './luo.ts'
import { memoryObservers } from './memory.ts'
import { preservedObservers } from './preserved.ts'
import { scratchObservers } from './scratch.ts'
import { selftestObservers } from './selftest.ts'
import { treeObservers } from './tree.ts'
import { workloadObservers } from './workload.ts'

/** Every subject that can be claimed, and how it is found; a subject without an observer does not compile. */
const observers: ObserversOf<Subject> = {
  ...bootObservers,
  ...firmwareObservers,
  ...loaderObservers,
  ...scratchObservers,
  ...treeObservers,
  ...debugfsObservers,
  ...preservedObservers,
  ...invariantObservers,
  ...handoverObservers,
  ...kexecObservers,
  ...luoObservers,
  ...workloadObservers,
  ...memoryObservers,
  ...selftestObservers,
}

const isSubject = (subject: string): subject is Subject => Object.hasOwn(observers, subject)

/** Both sides of a claim, read from the observation alone. */
export function observe(subject: string, context: Context): { readonly guest: Side; readonly host: Side } {
  if (!isSubject(subject)) {
    const unknown = { unobserved: `this release of the lab does not know how to observe ${subject}` }
    return { guest: unknown, host: unknown }
  }
  const observer = observers[subject]
  return { guest: observer.guest(context), host: observer.host(context) }
}
