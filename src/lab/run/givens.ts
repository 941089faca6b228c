import { LUO_NODE, decodeLuo } from '../../abi/luo.ts'
import { eachRunIn, joinNeighbours } from '../../abi/record-list.ts'
import { handedOverRecords } from './handed-over.ts'
import { workloadMemory, workloadPlaces } from './workload-memory.ts'
import { MEMBLOCK_NODE, decodeMemblockFdt } from '../../abi/memblock-fdt.ts'
import type {
  GivenValues,
  Givens,
  HopObservation,
  PreservedRecord,
  RootFdtView,
  ScratchRegion,
} from '../../shared/documents/index.ts'
import type { RunEnvironment } from '../../shared/documents/index.ts'
import type { Json } from '../../shared/json.ts'
import { fromHex, hex } from '../../shared/units.ts'

/** The part of an observation that givens come from; complete or not. */
export interface Observed {
  readonly environment: Pick<RunEnvironment, 'accelerator' | 'host'>
  readonly hops: readonly HopObservation[]
}

/** The values that rules may start from, as far as they were observed. What was not seen has no entry. */
export function givensFrom({ environment, hops }: Observed): Givens {
  const givens: Record<string, Json> = {
    'host.accelerator': { used: environment.accelerator.used, cpuModel: environment.host.cpuModel },
  }
  for (const hop of hops) {
    for (const [name, value] of Object.entries(givensOfHop(hop))) givens[`hop${hop.hop}.${name}`] = value
  }
  return givens
}

/** Fields that are undefined were not observed. */
function givensOfHop({ guest, host, workload }: HopObservation): Record<string, Json> {
  const root = host.outRoot.ok ? host.outRoot.value : undefined
  const values: { readonly [K in keyof GivenValues]: GivenValues[K] | undefined } = {
    'kernel.base': guest.iomem.ok ? guest.iomem.value.find(({ name }) => name === 'Kernel code')?.start : undefined,
    'kernel.addressSpace': host.addressSpace?.ok ? host.addressSpace.value : undefined,
    'scratch.regions': scratchRegions(guest) ?? (host.scratchArray.ok ? host.scratchArray.value.regions : undefined),
    'tree.address': root?.address,
    'tree.memoryMap': root?.preservedMemoryMap,
    'tree.addresses': root && Object.fromEntries(root.subtrees.map(({ name, address }) => [name, address])),
    'tree.memblockRegions': root && memblockRegions(root),
    'tree.luoFlb': root && luoFlb(root),
    'tree.blob': root && { address: root.address, size: root.blob.size, sha256: root.blob.sha256 },
    'workload.table': host.probeTable?.ok ? host.probeTable.value : undefined,
    'workload.memory': host.probeTable?.ok ? workloadMemory(host.probeTable.value) : undefined,
    'workload.places': workload && workloadPlaces(workload),
    'workload.calls': workload?.steps.flatMap(({ index, call }) =>
      call === undefined ? [] : [{ index, start: call.start, order: call.order }],
    ),
    'preserved.records': preservedRecords(host),
    'preserved.runs': preservedRuns(host),
    'preserved.nodes': preservedNodes(host),
    'kexec.segments': guest.kexecSegments?.ok
      ? guest.kexecSegments.value.flatMap(({ name, start }) => (name === undefined ? [] : [{ name, start }]))
      : undefined,
    'preserved.hashes': host.preservedBefore?.ok
      ? byStart(host.preservedBefore.value.map(({ record, digest }) => ({ ...record, digest })))
      : undefined,
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]): [string, Json][] => (value === undefined ? [] : [[name, plain(value)]])),
  )
}

function scratchRegions({ scratchPhys, scratchLen }: HopObservation['guest']): ScratchRegion[] | undefined {
  if (!scratchPhys.ok || !scratchLen.ok || scratchPhys.value.length !== scratchLen.value.length) return undefined
  const sizes = scratchLen.value
  return scratchPhys.value.map((start, index) => ({ start, size: sizes[index] ?? '0x0' }))
}

function subtreeBytes(root: RootFdtView, name: string): Uint8Array | undefined {
  const blob = root.subtrees.find((subtree) => subtree.name === name)?.blob
  return blob?.ok && blob.value.hex !== undefined ? Buffer.from(blob.value.hex, 'hex') : undefined
}

function memblockRegions(root: RootFdtView): GivenValues['tree.memblockRegions'] | undefined {
  const bytes = subtreeBytes(root, MEMBLOCK_NODE)
  const decoded = bytes === undefined ? undefined : decodeMemblockFdt(bytes)
  return decoded?.ok
    ? decoded.value.regions.map(({ name, start, size }) => ({ name, start: hex(start), size: hex(size) }))
    : undefined
}

function luoFlb(root: RootFdtView): string | undefined {
  const bytes = subtreeBytes(root, LUO_NODE)
  const decoded = bytes === undefined ? undefined : decodeLuo(bytes)
  return decoded?.ok ? hex(decoded.value.flbs) : undefined
}

/** All records, or nothing: a walk that ended early, or a list that was cut, is no base for a rule. */
function preservedRecords(host: HopObservation['host']): PreservedRecord[] | undefined {
  const records = handedOverRecords(host)
  return records.ok ? byStart(records.value) : undefined
}

function preservedRuns(host: HopObservation['host']): PreservedRecord[] | undefined {
  const records = preservedRecords(host)
  return records && joinNeighbours(eachRunIn(records)).map(({ start, ...record }) => ({ start: hex(start), ...record }))
}

function preservedNodes({ outRadix, handedOver = outRadix }: HopObservation['host']): string[] | undefined {
  if (!handedOver.ok || !handedOver.value.complete || handedOver.value.nodes.length !== handedOver.value.nodeCount)
    return undefined
  return handedOver.value.nodes.map(({ address }) => address).sort((a, b) => fromHex(a) - fromHex(b))
}

const byStart = <T extends PreservedRecord>(records: readonly T[]): T[] =>
  [...records].sort((a, b) => fromHex(a.start) - fromHex(b.start) || a.order - b.order)

/** Documents hold plain JSON, but their types allow optional keys, which Json does not. */
const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json
