import type { HopObservation, Observation, RootFdtView } from '../../shared/documents/index.ts'
import type { MemoryKind } from '../../shared/palette.ts'
import { fromHex, PAGE_SIZE } from '../../shared/units.ts'
import type { Mark } from './lanes.ts'

/** What a boot shows beyond the outline of the lanes: early reservations, what kexec loaded it from, KHO's own pages. */
export interface Structures {
  readonly guest: readonly Mark[]
  readonly host: readonly Mark[]
}

export function structuresOf({ hops }: Pick<Observation, 'hops'>, hop: number): Structures {
  const seen = hops.find((candidate) => candidate.hop === hop)
  if (seen === undefined) return { guest: [], host: [] }
  const before = hops.find((candidate) => candidate.hop === hop - 1)
  return { guest: [...reservations(seen), ...segments(before)], host: [...handoverPages(seen), ...memfds(seen)] }
}

/** `memblock=debug` tells reservations as they were made; one that was freed again is still among them. */
function reservations({ guest }: HopObservation): Mark[] {
  if (!guest.memblockReserved.ok) return []
  return guest.memblockReserved.value.map(({ start, end, caller }) =>
    span('reserved', fromHex(start), fromHex(end), `reserved by ${caller}`),
  )
}

/** Segments beside kernel and initrd, which have claims of their own. The first, without a name, is the scratch array. */
function segments(before: HopObservation | undefined): Mark[] {
  const loaded = before?.guest.kexecSegments
  if (loaded?.ok !== true) return []
  return loaded.value
    .filter(({ name }) => name !== 'kernel' && name !== 'initrd')
    .map(({ start, memsz, name }) =>
      span('segment', fromHex(start), fromHex(start) + fromHex(memsz), `kexec segment ${name ?? 'of KHO'}`),
    )
}

/** The root FDT and its subtrees, the radix tree's node pages, the scratch array: read in guest RAM. */
function handoverPages({ host }: HopObservation): Mark[] {
  const out = host.outRoot.ok ? rootPages(host.outRoot.value, 'out') : []
  const given = host.inRoot?.ok === true ? rootPages(host.inRoot.value, 'in') : []
  const nodes = host.outRadix.ok
    ? host.outRadix.value.nodes.map(({ address, level }) =>
        span('handover', fromHex(address), fromHex(address) + PAGE_SIZE, `radix tree node, level ${level}`),
      )
    : []
  const scratch = host.scratchArray.ok
    ? [
        span(
          'handover',
          fromHex(host.scratchArray.value.address),
          fromHex(host.scratchArray.value.address) + PAGE_SIZE,
          'scratch array',
        ),
      ]
    : []
  return [...out, ...given, ...nodes, ...scratch]
}

/** Files of the LUO sessions that this boot was handed: read before anything took them back. */
function memfds({ host }: HopObservation): Mark[] {
  const { luoIncoming } = host
  if (luoIncoming?.ok !== true) return []
  return (luoIncoming.value.places ?? []).flatMap(({ session, token, state, lists, folios }) => {
    const file = `file ${token} of LUO session ${session.slice(0, 64)}`
    return [
      span('handover', fromHex(state), fromHex(state) + PAGE_SIZE, file),
      ...lists.map(({ start, end }) => span('handover', fromHex(start), fromHex(end), `${file}, list of its folios`)),
      ...folios.map(({ start, end }) => span('preserved', fromHex(start), fromHex(end), `${file}, folios`)),
    ]
  })
}

const rootPages = ({ address, blob, subtrees }: RootFdtView, side: 'in' | 'out'): Mark[] => [
  span('handover', fromHex(address), fromHex(address) + blob.size, `root FDT (${side})`),
  ...subtrees.map(({ name, address: at, size }) =>
    span('handover', fromHex(at), fromHex(at) + size, `subtree ${name.slice(0, 64)} (${side})`),
  ),
]

const span = (kind: MemoryKind, start: number, end: number, label: string): Mark => ({ kind, start, end, label })
