import { KEXEC_METADATA_NODE, KEXEC_METADATA_SIZE, decodeKexecMetadata } from '../../abi/kexec-metadata.ts'
import { parseFdt, stringListProperty } from '../../abi/fdt.ts'
import { KHO_COMPATIBLES, decodeKhoRoot, type KhoRoot } from '../../abi/kho-root.ts'
import { walkRadix, type RadixWalk } from '../../abi/radix-walk.ts'
import { notSeen, seen, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { PAGE_SIZE, hex } from '../../shared/units.ts'

/** A page that decodes as a KHO root, and what its surroundings say about whether a kernel still uses it. */
export interface RootCandidate {
  readonly address: number
  /** The blob: totalsize bytes. */
  readonly blob: Uint8Array
  readonly root: KhoRoot
  /** Undefined when the tree cannot be read at all. */
  readonly radix: RadixWalk | undefined
  /** kho_init() preserves the root's own page, so the tree of a live root has it (order 0). Stale and copied pages rarely do. */
  readonly holdsItself: boolean
  /** kexec-metadata's counter: it rises by one per kernel, so among the copies of several kernels the highest is the latest. */
  readonly kexecCount: number | undefined
}

/** Reads and examines one page; undefined when it is no KHO root of a known compatible. */
export function examineRoot(memory: PhysMemory, address: number): RootCandidate | undefined {
  const page = memory.read(address, PAGE_SIZE)
  const root = page === undefined ? undefined : decodeKhoRoot(page)
  if (page === undefined || !root?.ok) return undefined
  const radix = walkRadix(memory, root.value.memoryMap)
  const metadata = root.value.subtrees.find(({ name }) => name === KEXEC_METADATA_NODE)
  const bytes = metadata === undefined ? undefined : memory.read(metadata.address, KEXEC_METADATA_SIZE)
  const decoded = bytes === undefined ? undefined : decodeKexecMetadata(bytes)
  return {
    address,
    blob: page.subarray(0, root.value.totalSize),
    root: root.value,
    radix: radix.ok ? radix.value : undefined,
    holdsItself: radix.ok && hasPage(radix.value, address),
    kexecCount: decoded?.ok ? decoded.value.kexecCount : undefined,
  }
}

function hasPage({ records: { starts, orders, counts } }: RadixWalk, address: number): boolean {
  return starts.some((start, run) => orders[run] === 0 && address >= start && address < start + (counts[run] ?? 0) * PAGE_SIZE)
}

/** A KHO root of a format that the lab does not decode: shown by name, kept raw. */
export interface ForeignRoot {
  readonly address: number
  readonly compatible: string
  readonly blob: Uint8Array
}

/** The page as a root whose compatible is some other kho-v*, or undefined. */
export function foreignRoot(page: Uint8Array, address: number): ForeignRoot | undefined {
  const fdt = parseFdt(page)
  if (!fdt.ok) return undefined
  const compatible = stringListProperty(fdt.value.root, 'compatible')?.find((text) => /^kho-v\d+$/.test(text))
  if (compatible === undefined || KHO_COMPATIBLES.includes(compatible)) return undefined
  return { address, compatible, blob: page.slice(0, fdt.value.totalSize) }
}

export interface RootEvidence {
  /** What the guest's out/fdt returned, where it has one: the beginning of the live page, as it is cut off too early. */
  readonly guestOutFdt?: Uint8Array | undefined
  /** kexec-metadata's counter in the handover that this kernel accepted: the live root's is higher. */
  readonly incomingCount?: number | undefined
}

/** True when a candidate is proven to be the live one without looking at any other. */
export function isProven(candidate: RootCandidate, { guestOutFdt, incomingCount }: RootEvidence, freshMemory: boolean): boolean {
  if (!candidate.holdsItself) return false
  if (guestOutFdt !== undefined) return beginsWith(candidate.blob, guestOutFdt)
  if (incomingCount !== undefined) return candidate.kexecCount !== undefined && candidate.kexecCount > incomingCount
  return freshMemory
}

/** Which of all candidates the running kernel uses, or why that cannot be told. */
export function liveRoot(
  candidates: readonly RootCandidate[],
  { guestOutFdt, incomingCount }: RootEvidence,
  foreign: readonly ForeignRoot[] = [],
): Reading<RootCandidate> {
  if (candidates.length === 0 && foreign.length > 0) {
    const roots = foreign.map(({ address, compatible }) => `'${compatible}' at ${hex(address)}`).join(', ')
    return notSeen(`the KHO root FDTs in guest RAM are of formats that this lab does not decode: ${roots}; they are kept raw`)
  }
  if (candidates.length === 0) return notSeen('no page of guest RAM is a KHO root FDT')
  const places = candidates.map(({ address, kexecCount }) => `${hex(address)} (count ${kexecCount ?? 'unknown'})`).join(', ')
  let live = candidates.filter(({ holdsItself }) => holdsItself)
  if (live.length === 0) return notSeen(`guest RAM has KHO root FDTs at ${places}, but none is in its own preserved memory map`)
  if (incomingCount !== undefined) {
    live = live.filter(({ kexecCount }) => kexecCount === undefined || kexecCount > incomingCount)
    if (live.length === 0) return notSeen(`the KHO root FDTs in guest RAM (${places}) are all of earlier kernels`)
  }
  const shown = guestOutFdt === undefined ? [] : live.filter(({ blob }) => beginsWith(blob, guestOutFdt))
  if (shown.length > 0) live = shown
  const highest = Math.max(...live.map(({ kexecCount }) => kexecCount ?? -1))
  const [only, other] = live.filter(({ kexecCount }) => (kexecCount ?? -1) === highest)
  if (only === undefined || other !== undefined) return notSeen(`several KHO root FDTs in guest RAM look live: ${places}`)
  return seen(only)
}

const beginsWith = (bytes: Uint8Array, beginning: Uint8Array): boolean =>
  beginning.length <= bytes.length && beginning.every((byte, index) => bytes[index] === byte)
