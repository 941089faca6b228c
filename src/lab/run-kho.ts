import { fieldsOf, setupDataFields, type Fields } from '../abi/fields.ts'
import { RADIX_LEAF_BITS, RADIX_LEAF_LOG2, RADIX_LEVELS, RADIX_TABLE_LOG2, RADIX_TABLE_SLOTS, radixKey } from '../abi/radix.ts'
import { SETUP_KEXEC_KHO } from '../abi/setup-data.ts'
import type { KhoCopy, RunKho } from '../shared/boot-views.ts'
import {
  Observation,
  type Blob,
  type HopObservation,
  type Range,
  type Reading,
  type RootFdtView,
} from '../shared/documents/index.ts'
import { LabError } from '../shared/result.ts'
import { fromHex } from '../shared/units.ts'
import { ownersOf } from './preserved-owners.ts'
import { readRunDocument } from './run/store.ts'

type Structure = RunKho['structures'][number]
type Side = KhoCopy['side']
type Absent = Structure['absent'][number]

/**
 * The handover tree of one boot of a run, from its observation. Rejects with LabError run-not-found when that boot was not
 * observed, bad-document when the observation is damaged.
 */
export async function khoOfRun(directory: string, hop: number): Promise<RunKho> {
  const observation = await readRunDocument(directory, 'observation.json', Observation)
  const seen = observation?.hops.find((candidate) => candidate.hop === hop)
  if (seen === undefined)
    throw new LabError({
      code: 'run-not-found',
      message: 'this boot was not observed, so its handover tree is not known',
      hint: 'Pick another boot, or run the experiment again.',
    })
  return khoOf(seen)
}

export function khoOf(seen: HopObservation): RunKho {
  return {
    hop: seen.hop,
    structures: [rootOf(seen), ...subtreesOf(seen), ...setupDataOf(seen)],
    scratch: scratchOf(seen),
    radix: radixOf(seen),
    ...sessionsOf(seen),
    sets: setsOf(seen),
  }
}

const DEBUGFS = '/sys/kernel/debug/kho'

function rootOf({ guest, host }: HopObservation): Structure {
  const copies: KhoCopy[] = []
  const absent: Absent[] = []
  const take = (side: Side, reading: Reading<Blob>): void => {
    if (reading.ok) copies.push(copyOf('root', side, 'guest', `${DEBUGFS}/${side}/fdt`, reading.value))
    else absent.push({ side, by: 'guest', reason: reading.reason })
  }
  const find = (side: Side, reading: Reading<RootFdtView>): void => {
    if (reading.ok)
      copies.push(copyOf('root', side, 'RAM', 'found in guest RAM', reading.value.blob, fromHex(reading.value.address)))
    else absent.push({ side, by: 'RAM', reason: reading.reason })
  }
  take('in', guest.inFdt)
  if (host.inRoot !== undefined) find('in', host.inRoot)
  take('out', guest.outFdt)
  find('out', host.outRoot)
  return { name: 'root', title: 'root FDT', copies, absent }
}

function subtreesOf({ guest, host }: HopObservation): Structure[] {
  const found = new Map<string, Structure>()
  const of = (name: string): Structure => {
    const known = found.get(name) ?? { name: `subtree ${name}`, title: `subtree ${name}`, copies: [], absent: [] }
    found.set(name, known)
    return known
  }
  const take = (side: Side, reading: HopObservation['guest']['inSubtrees']): void => {
    if (!reading.ok) return
    for (const [name, blob] of Object.entries(reading.value))
      of(name).copies.push(copyOf(name, side, 'guest', `${DEBUGFS}/${side}/sub_fdts/${name}`, blob))
  }
  const find = (side: Side, reading: Reading<RootFdtView> | undefined): void => {
    if (reading?.ok !== true) return
    for (const { name, address, blob } of reading.value.subtrees) {
      if (blob.ok) of(name).copies.push(copyOf(name, side, 'RAM', 'named by the root FDT', blob.value, fromHex(address)))
      else of(name).absent.push({ side, by: 'RAM', reason: blob.reason })
    }
  }
  take('in', guest.inSubtrees)
  find('in', host.inRoot)
  take('out', guest.outSubtrees)
  find('out', host.outRoot)
  return [...found.values()]
}

/** What the boot loader part of kexec told this kernel: where the tree and the scratch array are. */
function setupDataOf({ guest }: HopObservation): Structure[] {
  if (!guest.setupData.ok) return []
  const copies = guest.setupData.value.flatMap(({ type, data }, index) =>
    type === SETUP_KEXEC_KHO
      ? [copyOf('setup_data', 'in', 'guest', `/sys/kernel/boot_params/setup_data/${index}/data`, data)]
      : [],
  )
  return copies.length === 0 ? [] : [{ name: 'setup_data', title: 'setup_data, type 10 (KHO)', copies, absent: [] }]
}

function copyOf(name: string, side: Side, by: KhoCopy['by'], source: string, blob: Blob, address?: number): KhoCopy {
  const { fields, problem } = decoded(name, blob)
  return {
    side,
    by,
    source: source.slice(0, 300),
    size: blob.size,
    sha256: blob.sha256,
    fields: [...fields],
    ...(blob.hex === undefined ? {} : { hex: blob.hex }),
    ...(address === undefined ? {} : { address }),
    ...(problem === undefined ? {} : { problem }),
  }
}

function decoded(name: string, { hex, size }: Blob): Fields {
  if (hex === undefined) return { fields: [], problem: `the ${size} bytes are only in the run's raw captures` }
  const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
  return name === 'setup_data' ? setupDataFields(bytes) : fieldsOf(name, bytes)
}

/** kho_reserve_scratch(), kernel/liveupdate/kexec_handover.c, 7.3: lowmem, global, then one per node. */
const scratchName = (index: number): string => (index === 0 ? 'lowmem' : index === 1 ? 'global' : `node ${index - 2}`)

function scratchOf({ guest, host }: HopObservation): RunKho['scratch'] {
  const lengths = guest.scratchLen.ok ? guest.scratchLen.value : []
  const byGuest = guest.scratchPhys.ok
    ? guest.scratchPhys.value.map((start, index) => ({
        name: scratchName(index),
        start: fromHex(start),
        size: fromHex(lengths[index] ?? '0x0'),
        by: 'guest' as const,
      }))
    : []
  const inRam = host.scratchArray.ok
    ? host.scratchArray.value.regions.map(({ start, size }, index) => ({
        name: scratchName(index),
        start: fromHex(start),
        size: fromHex(size),
        by: 'RAM' as const,
      }))
    : []
  return [...byGuest, ...inRam]
}

function radixOf(seen: HopObservation): RunKho['radix'] {
  const { host } = seen
  if (!host.outRadix.ok) return { unobserved: host.outRadix.reason }
  const { root, nodes, records, ...counts } = host.outRadix.value
  const owners = ownersOf(seen)
  return {
    ...counts,
    root: fromHex(root),
    nodes: nodes.map(({ address, level, slots }) => ({ address: fromHex(address), level, slots })),
    records: records.map(({ start, order, count }) => {
      const owner = owners.get(fromHex(start))
      return {
        start: fromHex(start),
        order,
        ...(count === undefined ? {} : { count }),
        path: pathOf(fromHex(start), order),
        ...(owner === undefined ? {} : { owner }),
      }
    }),
  }
}

/** The slots that a key leads through, from the root down (kho_radix_walk_tree() and its kin, 7.3). */
function pathOf(start: number, order: number): number[] {
  const key = radixKey(start, order)
  const tables = Array.from({ length: RADIX_LEVELS - 1 }, (_unused, index) => {
    const shift = RADIX_LEAF_LOG2 + RADIX_TABLE_LOG2 * (RADIX_LEVELS - 2 - index)
    return Math.floor(key / 2 ** shift) % RADIX_TABLE_SLOTS
  })
  return [...tables, key % RADIX_LEAF_BITS]
}

function sessionsOf({ host }: HopObservation): Pick<RunKho, 'sessions'> {
  const { luoIncoming } = host
  if (luoIncoming === undefined) return {}
  if (!luoIncoming.ok) return { sessions: { unobserved: luoIncoming.reason } }
  const { address, sessions, pageCount, places = [] } = luoIncoming.value
  return {
    sessions: {
      ...(address === undefined ? {} : { address: fromHex(address) }),
      pageCount,
      names: sessions.map(({ name }) => name),
      files: sessions.flatMap(({ name, files }) =>
        files.map((file) => {
          const place = places.find(({ session, token }) => session === name && token === file.token)
          return { session: name, ...file, ...(place === undefined ? {} : spansOf(place)) }
        }),
      ),
    },
  }
}

function setsOf({ host }: HopObservation): RunKho['sets'] {
  if (host.probeTable?.ok !== true) return []
  return host.probeTable.value.sets.map(({ name, kind, entries, pages, hash, areaOrder, listPages, areaChunks }) => ({
    name,
    kind,
    entries,
    pages,
    hash,
    areaOrder,
    lists: listPages.map(spanOf),
    chunks: areaChunks.map(spanOf),
  }))
}

type Place = NonNullable<Extract<NonNullable<HopObservation['host']['luoIncoming']>, { ok: true }>['value']['places']>[number]

const spansOf = ({ state, lists, folios, more }: Place) => ({
  state: fromHex(state),
  lists: lists.map(spanOf),
  folioRanges: folios.map(spanOf),
  more,
})

const spanOf = ({ start, end }: Range): { start: number; end: number } => ({ start: fromHex(start), end: fromHex(end) })
