import { eachRun, sortedRecords, type RadixWalk } from '../../abi/radix-walk.ts'
import { listOfRecords } from '../../abi/record-list.ts'
import { slotList } from '../../abi/slot-list.ts'
import {
  SCRATCH_ENTRY_SIZE,
  SETUP_KEXEC_KHO,
  decodeKhoSetupData,
  decodeScratchArray,
  encodeScratchArray,
  type KhoSetupData,
} from '../../abi/setup-data.ts'
import {
  LISTED_ENTRIES,
  notSeen,
  seen,
  type Blob,
  type GuestView,
  type HostView,
  type RadixView,
  type Reading,
  type RootFdtView,
} from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { MiB, fromHex, hex, physAddr } from '../../shared/units.ts'
import type { GuestChannel } from '../types.ts'
import { readAddressSpace, readTotalRam, type KernelSymbols } from './address-space.ts'
import { findBanner } from './banner.ts'
import { readProbeTable } from './probe-table.ts'
import { readRamMap } from './ram-map.ts'
import type { RawStore } from './raw-store.ts'
import {
  examineRoot,
  foreignRoot,
  isProven,
  liveRoot,
  type ForeignRoot,
  type RootCandidate,
  type RootEvidence,
} from './root-candidates.ts'
import { findSetupCode } from './setup-code.ts'
import { scanPages } from './scan.ts'

export interface HostOptions {
  /** 0 on the first boot: then no earlier kernel has left anything in RAM. */
  readonly hop: number
  /** What the guest said in this boot: where the incoming tree lies, what its scratch regions are, where its kernel is. */
  readonly guest: GuestView
  readonly raw: RawStore
  /** Symbols of the kernel that runs, and how many CPUs it has. */
  readonly symbols: KernelSymbols
  readonly cpus: number
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

const FDT_MAGIC = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)
const SUBTREE_LIMIT = 16 * MiB
const ARRAY_LIMIT = 64 * 1024

/** Everything the host can see of one boot. The vCPUs stand still only while the tree found is read. */
export async function observeHost(channel: GuestChannel, options: HostOptions): Promise<HostView> {
  const { memory } = channel
  const { guest, raw } = options
  const ramMap = await readRamMap(channel, raw)
  const incoming = incomingData(guest)
  const inRoot = incoming.ok ? examineRoot(memory, incoming.value.fdtAddress) : undefined
  const accepted = guest.inFdt.ok
  const evidence: RootEvidence = {
    guestOutFdt: bytesOf(guest.outFdt),
    incomingCount: accepted ? inRoot?.kexecCount : undefined,
  }
  const regions = guestRegions(guest)
  const wantedArray = incoming.ok && accepted ? undefined : regions
  const found = await search(memory, {
    ...options,
    evidence,
    array: wantedArray,
    skip: incoming.ok ? incoming.value.fdtAddress : undefined,
  })
  for (const { address, blob } of found.foreign) raw.put(`ram/foreign-root-${hex(address)}`, blob)
  const live = liveRoot(found.candidates, evidence, found.foreign)
  await channel.pause()
  try {
    // Read again while nothing runs, so that root, subtrees and tree belong together.
    const out = live.ok ? examineRoot(memory, live.value.address) : undefined
    const outReading: Reading<RootCandidate> =
      out === undefined
        ? live.ok
          ? notSeen(`the KHO root at ${hex(live.value.address)} changed while it was read`)
          : live
        : seen(out)
    const probeTable = outReading.ok ? readProbeTable(memory, outReading.value) : undefined
    return {
      ramMap,
      outRoot: rootView(memory, raw, 'ram/out', outReading),
      outRadix: outReading.ok ? radixReading(outReading.value) : outReading,
      ...(probeTable === undefined ? {} : { probeTable }),
      ...(options.hop === 0 ? {} : { inRoot: rootView(memory, raw, 'ram/in', incomingRoot(incoming, inRoot)) }),
      scratchArray:
        wantedArray === undefined && incoming.ok && accepted
          ? scratchAt(memory, incoming.value.scratchAddress, incoming.value.scratchSize)
          : scannedArray(memory, found.arrays, regions),
      banner: findBanner(memory, guest.iomem),
      addressSpace: readAddressSpace(memory, guest.iomem, options.symbols, options.cpus),
      ...(options.hop === 0 ? { setupCode: findSetupCode(memory) } : {}),
      totalRam: readTotalRam(memory, guest.iomem, options.symbols),
    }
  } finally {
    await channel.resume()
  }
}

/** struct kho_data that the boot before left; not seen on a first boot. */
export function incomingData(guest: GuestView): Reading<KhoSetupData> {
  if (!guest.setupData.ok) return guest.setupData
  const entry = guest.setupData.value.find(({ type }) => type === SETUP_KEXEC_KHO)
  if (entry?.data.hex === undefined) return notSeen('the setup_data chain has no entry of type 10 (SETUP_KEXEC_KHO)')
  const decoded = decodeKhoSetupData(Buffer.from(entry.data.hex, 'hex'))
  return decoded.ok ? seen(decoded.value) : notSeen(decoded.error)
}

const incomingRoot = (incoming: Reading<KhoSetupData>, root: RootCandidate | undefined): Reading<RootCandidate> => {
  if (!incoming.ok) return incoming
  return root === undefined
    ? notSeen(`there is no KHO root at ${hex(incoming.value.fdtAddress)}, where setup_data says it is`)
    : seen(root)
}

export const bytesOf = (blob: Reading<Blob>): Uint8Array | undefined =>
  blob.ok && blob.value.hex !== undefined ? Buffer.from(blob.value.hex, 'hex') : undefined

/** The array as bytes that debugfs' two lists make. */
function guestRegions({ scratchPhys, scratchLen }: GuestView): Reading<Uint8Array> {
  if (!scratchPhys.ok) return scratchPhys
  if (!scratchLen.ok) return scratchLen
  const sizes = scratchLen.value
  if (scratchPhys.value.length !== sizes.length || sizes.length === 0)
    return notSeen('out/scratch_phys and out/scratch_len have different lengths')
  return seen(
    encodeScratchArray(
      scratchPhys.value.map((start, index) => ({ start: physAddr(fromHex(start)), size: fromHex(sizes[index] ?? '0x0') })),
    ),
  )
}

interface Search extends HostOptions {
  readonly evidence: RootEvidence
  /** The scratch array's bytes, when it has to be found too. */
  readonly array: Reading<Uint8Array> | undefined
  readonly skip: number | undefined
}

/** One pass over RAM for both; on a first boot it ends as soon as both are found, since nothing stale can lie there. */
async function search(
  memory: PhysMemory,
  options: Search,
): Promise<{ candidates: RootCandidate[]; foreign: ForeignRoot[]; arrays: number[] }> {
  const candidates: RootCandidate[] = []
  const foreign: ForeignRoot[] = []
  const arrays: number[] = []
  const array = options.array?.ok ? options.array.value : undefined
  const fresh = options.hop === 0
  let proven = false
  await scanPages(memory, {
    starts: array === undefined ? [FDT_MAGIC] : [FDT_MAGIC, array],
    onProgress: options.onProgress,
    signal: options.signal,
    visit: (address, page) => {
      if (array?.every((byte, index) => page[index] === byte)) arrays.push(address)
      const candidate = address === options.skip || page[0] !== FDT_MAGIC[0] ? undefined : examineRoot(memory, address)
      if (candidate !== undefined) {
        candidates.push(candidate)
        proven ||= isProven(candidate, options.evidence, fresh)
      } else if (address !== options.skip) {
        const other = foreignRoot(page, address)
        if (other !== undefined) foreign.push(other)
      }
      return proven && (array === undefined || (fresh && arrays.length > 0))
    },
  })
  return { candidates, foreign, arrays }
}

export function rootView(memory: PhysMemory, raw: RawStore, name: string, reading: Reading<RootCandidate>): Reading<RootFdtView> {
  if (!reading.ok) return reading
  const { address, blob, root } = reading.value
  return seen({
    address: hex(address),
    blob: raw.put(`${name}/fdt`, blob),
    compatible: root.compatible,
    preservedMemoryMap: hex(root.memoryMap),
    subtrees: root.subtrees.map((subtree) => {
      const bytes = subtree.size <= SUBTREE_LIMIT ? memory.read(subtree.address, subtree.size) : undefined
      const content: Reading<Blob> =
        bytes === undefined
          ? notSeen(`${subtree.size} bytes at ${hex(subtree.address)} are not inside RAM, or more than ${SUBTREE_LIMIT}`)
          : seen(raw.put(`${name}/sub_fdts/${subtree.name}`, bytes))
      return { name: subtree.name, address: hex(subtree.address), size: subtree.size, blob: content }
    }),
  })
}

/** The radix tree of the KHO root at `address`, as it is now; the guest must stand still. */
export function radixViewAt(memory: PhysMemory, address: number): Reading<RadixView> {
  const root = examineRoot(memory, address)
  return root === undefined ? notSeen(`there is no KHO root at ${hex(address)} any more`) : radixReading(root)
}

export function radixReading({ root, radix }: RootCandidate): Reading<RadixView> {
  return radix === undefined ? notSeen(`there is no radix tree at ${hex(root.memoryMap)}`) : seen(radixView(radix))
}

export function radixView(walk: RadixWalk): RadixView {
  const listed =
    walk.recordCount <= LISTED_ENTRIES
      ? sortedRecords(walk.records, LISTED_ENTRIES)
      : listOfRecords(eachRun(walk.records), walk.recordCount)
  return {
    root: hex(walk.root),
    nodeCount: walk.nodeAddresses.length,
    recordCount: walk.recordCount,
    pageCount: walk.pageCount,
    nodes: walk.nodes
      .slice(0, LISTED_ENTRIES)
      .map(({ address, level, slots }) => ({ address: hex(address), level, slots: slotList(slots) })),
    records: listed.map(({ start, ...record }) => ({ start: hex(start), ...record })),
    complete: walk.complete,
  }
}

export function scratchAt(memory: PhysMemory, address: number, length: number): HostView['scratchArray'] {
  if (length > ARRAY_LIMIT) return notSeen(`setup_data claims a scratch array of ${length} bytes`)
  const bytes = memory.read(address, length)
  if (bytes === undefined) return notSeen(`the scratch array at ${hex(address)} is not inside RAM`)
  const decoded = decodeScratchArray(bytes)
  if (!decoded.ok) return notSeen(decoded.error)
  return seen({
    address: hex(address),
    regions: decoded.value.map(({ start, size }) => ({ start: hex(start), size: hex(size) })),
  })
}

/** Found by its content: the page that begins with the regions which debugfs shows. */
function scannedArray(memory: PhysMemory, addresses: readonly number[], wanted: Reading<Uint8Array>): HostView['scratchArray'] {
  if (!wanted.ok) return notSeen(`debugfs does not show the regions to look for: ${wanted.reason}`)
  const [only, other] = addresses
  if (only === undefined) return notSeen('no page of guest RAM begins with the scratch regions that debugfs shows')
  if (other !== undefined)
    return notSeen(`several pages of guest RAM begin with the scratch regions: ${addresses.map(hex).join(', ')}`)
  return scratchAt(memory, only, wanted.value.length - (wanted.value.length % SCRATCH_ENTRY_SIZE))
}
