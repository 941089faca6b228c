import type { Machine } from '../../guest/machine.ts'
import { iomemEntries } from '../../guest/observe/guest-view.ts'
import { readMarks, readTakenBack, stillHeld } from '../../guest/observe/page-marks.ts'
import { findStructPages, type StructPages } from '../../guest/observe/struct-pages.ts'
import type { KernelSymbols } from '../../guest/observe/address-space.ts'
import { handedOverRecords } from './handed-over.ts'
import {
  notSeen,
  seen,
  type HopObservation,
  type HostView,
  type IomemEntry,
  type PageFacts,
  type Reading,
  type WorkloadObservation,
} from '../../shared/documents/index.ts'

/** A kernel's build, as far as its struct pages need it. */
export interface PageKernel {
  readonly symbols: KernelSymbols
  readonly pageFacts: PageFacts | undefined
  readonly cpus: number
}

/**
 * The struct pages of the kernel that runs, where the boot before handed something over. Asks the guest for /proc/iomem, which changes
 * nothing that is claimed.
 */
export async function structPagesOf(
  machine: Machine,
  kernel: PageKernel,
  previous: HopObservation | undefined,
): Promise<Reading<StructPages> | undefined> {
  if (previous?.host.outRoot.ok !== true) return undefined
  return findStructPages(machine.memory, { ...kernel, iomem: await iomemNow(machine) })
}

async function iomemNow(machine: Machine): Promise<Reading<IomemEntry[]>> {
  const { code, stdout, stderr } = await machine.exec('cat /proc/iomem')
  if (code !== 0) return notSeen(`/proc/iomem: ${stderr.trim()}`)
  const entries = iomemEntries(stdout.toString('latin1'))
  return entries.ok ? seen(entries.value) : notSeen(entries.error)
}

/** KHO's marks on what the boot before handed over; the guest must stand still, and nothing be taken back yet. */
export function marksNow(pages: Reading<StructPages>, { host }: HopObservation): NonNullable<HostView['marks']> {
  if (!pages.ok) return pages
  const records = handedOverRecords(host)
  return records.ok ? readMarks(pages.value.reader(), records.value) : records
}

/** What became of the marks of the sets that khoprobe took back; the guest must stand still. */
export function takenBackNow(
  pages: Reading<StructPages>,
  { host: { probeTable } }: HopObservation,
  workload: WorkloadObservation | undefined,
): HostView['takenBack'] {
  if (workload === undefined || probeTable === undefined) return undefined
  if (!pages.ok) return pages
  if (!probeTable.ok) return probeTable
  return workload.left.ok
    ? readTakenBack(pages.value.reader(), stillHeld(probeTable.value.sets, workload.left.value, workload.steps))
    : workload.left
}
