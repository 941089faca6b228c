import { z } from 'zod'
import { decodeMemblockFdt } from '../../abi/memblock-fdt.ts'
import { decodeKhoSetupData, SETUP_KEXEC_KHO, type KhoSetupData } from '../../abi/setup-data.ts'
import { PreservedRecord, type GuestView } from '../../shared/documents/index.ts'
import { fromHex, hex } from '../../shared/units.ts'
import { decodedBlob, from, guest, host, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'
import { lostBeginning } from './memory-log.ts'
import { byStart } from './preserved.ts'
import { onSubtree } from './tree.ts'

/** The struct kho_data that the boot before left for this kernel. */
export function khoSetupData<T>(view: GuestView, extract: (data: KhoSetupData) => Look<T>): Look<T> {
  return from(view.setupData, '/sys/kernel/boot_params/setup_data', (chain) => {
    const entry = chain.find(({ type }) => type === SETUP_KEXEC_KHO)
    return entry === undefined
      ? unobserved('the setup_data chain has no entry of type 10 (SETUP_KEXEC_KHO)')
      : decodedBlob(entry.data, 'the setup_data of type 10', decodeKhoSetupData, extract)
  })
}

const REFUSAL = /^(?:setup: |disabling KHO revival|Passed KHO data, )/

const Named = z.array(PreservedRecord)

export const handoverObservers: ObserversOf<
  | 'handover.inFdt'
  | 'handover.message'
  | 'handover.reserved'
  | 'handover.content'
  | 'handover.setupData'
  | 'handover.reserveMem'
  | 'handover.refused'
  | 'handover.marks'
> = {
  'handover.inFdt': {
    guest: guest((view) =>
      from(view.inFdt, 'in/fdt', ({ size, sha256 }) =>
        khoSetupData(view, (data) => value({ address: hex(data.fdtAddress), size, sha256 })),
      ),
    ),
    host: host((view) =>
      from(view.inRoot, 'the incoming KHO root in RAM', ({ address, blob }) =>
        value({ address, size: blob.size, sha256: blob.sha256 }),
      ),
    ),
  },
  'handover.message': {
    guest: guest((view) =>
      from(view.khoMessages, 'dmesg', (messages) => {
        const found = messages.map((line) => line.replace(/^KHO: /, '')).find((line) => line.startsWith('exec from: '))
        return found === undefined ? unobserved('dmesg has no "KHO: exec from" line') : value(found)
      }),
    ),
    host: never('messages are read in the guest'),
  },
  'handover.refused': {
    guest: guest((view) =>
      from(view.khoMessages, 'dmesg', (messages) => {
        const refusals = messages.map((line) => line.replace(/^KHO: /, '')).filter((line) => REFUSAL.test(line))
        return (refusals.length === 0 ? lostBeginning(view) : undefined) ?? value(refusals)
      }),
    ),
    host: never('messages are read in the guest'),
  },
  'handover.reserved': {
    guest: guest((view) =>
      from(view.memblockReserved, 'memblock=debug', (reservations) => {
        if (reservations.length === 0) return unobserved('memblock=debug printed no reservation at all')
        const lost = lostBeginning(view)
        if (lost !== undefined) return lost
        const own = reservations.filter(({ caller }) => caller.includes('kho_preserved_memory_reserve'))
        return value(own.map(({ start, end }) => ({ start, end })).sort((a, b) => fromHex(a.start) - fromHex(b.start)))
      }),
    ),
    host: never("memblock is the guest's own and gone once the buddy allocator runs"),
  },
  'handover.content': {
    guest: never('the guest is not asked for the content of preserved memory'),
    host: host((view, seen) =>
      from(view.preservedAfter, 'the preserved memory after the kexec', (records) => {
        const named = Named.safeParse(seen.claim.predicted)
        if (!named.success) return unobserved('the prediction does not name the records to hash')
        const asked = new Set(named.data.map(keyOf))
        return value(
          byStart(records.filter(({ record }) => asked.has(keyOf(record))).map(({ record, digest }) => ({ ...record, digest }))),
        )
      }),
    ),
  },
  'handover.marks': {
    guest: never("struct page of memory that is not the guest's own is read from outside"),
    host: host((view) => from(view.marks, 'struct page in guest RAM', (marks) => value(marks))),
  },
  'handover.setupData': {
    guest: guest((view) =>
      khoSetupData(view, (data) =>
        value({ fdtAddress: hex(data.fdtAddress), fdtSize: data.fdtSize, scratchSize: data.scratchSize }),
      ),
    ),
    host: never('the lab reads the setup_data chain in the guest'),
  },
  'handover.reserveMem': onSubtree('memblock', decodeMemblockFdt, ({ regions }) =>
    regions.map(({ name, start, size }) => ({ name, start: hex(start), size: hex(size) })),
  ),
}

const keyOf = ({ start, order, count = 1 }: PreservedRecord): string => `${start}/${order}/${count}`
