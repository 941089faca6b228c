import type { KhoSetupData } from '../../abi/setup-data.ts'
import { notSeen, seen, type GuestView, type HostView, type Reading } from '../../shared/documents/index.ts'
import type { PhysMemory } from '../../shared/phys-memory.ts'
import { hex } from '../../shared/units.ts'
import { findBanner } from './banner.ts'
import { bytesOf, incomingData, radixReading, rootView, scratchAt } from './host-view.ts'
import { findClues, type RamClues } from './ram-clues.ts'
import type { RawStore } from './raw-store.ts'
import { examineRoot, liveRoot, type RootCandidate } from './root-candidates.ts'

/** Guest RAM that may take a step of its own to be readable; see AttachedRam. */
export interface LiveRam {
  readonly memory: PhysMemory
  load(start: number, length: number): Promise<void>
  settle<T>(read: () => T): Promise<T>
  refresh(): void
}

export interface RamViewOptions {
  readonly ramMap: HostView['ramMap']
  /** What the guest says, where it can be asked; it makes the choice among several roots certain. */
  readonly guest: GuestView
  readonly regionCount: number | undefined
  readonly raw: RawStore
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A guest that preserves page after page changes its tree all the time; after this many readings it is said so. */
const READINGS = 8

/**
 * KHO as it lies in the RAM of a guest that runs on: nothing is stopped for it, so root and tree are read until two
 * readings agree. Which boot this is, the kernel's own count in kexec-metadata tells.
 */
export async function observeLiveRam(ram: LiveRam, options: RamViewOptions): Promise<HostView> {
  const { memory } = ram
  const { guest, raw, ramMap } = options
  const clues = await findClues(memory, { ...options, load: (start, length) => ram.load(start, length) })
  ram.refresh()
  for (const { address, blob } of clues.foreign) raw.put(`ram/foreign-root-${hex(address)}`, blob)
  const candidates: RootCandidate[] = []
  for (const address of clues.roots) {
    const candidate = await ram.settle(() => examineRoot(memory, address))
    if (candidate !== undefined) candidates.push(candidate)
  }
  const told = incomingData(guest)
  const evidence = {
    guestOutFdt: bytesOf(guest.outFdt),
    incomingCount:
      told.ok && guest.inFdt.ok ? candidates.find(({ address }) => address === told.value.fdtAddress)?.kexecCount : undefined,
  }
  const live = liveRoot(candidates, evidence, clues.foreign)
  const out = live.ok ? await steady(ram, live.value.address) : live
  const incoming = told.ok ? told : incomingOf(out, candidates, clues)
  const inRoot = incoming?.ok === true ? candidates.find(({ address }) => address === incoming.value.fdtAddress) : undefined
  return await ram.settle(() => ({
    ramMap,
    outRoot: rootView(memory, raw, 'ram/out', out),
    outRadix: out.ok ? radixReading(out.value) : out,
    ...(incoming === undefined ? {} : { inRoot: rootView(memory, raw, 'ram/in', rootOf(incoming, inRoot)) }),
    scratchArray:
      incoming?.ok === true ? scratchAt(memory, incoming.value.scratchAddress, incoming.value.scratchSize) : foundArray(clues),
    banner: guest.iomem.ok ? findBanner(memory, guest.iomem) : foundBanner(clues),
  }))
}

/** Root and tree, read until nothing changed between two readings. */
async function steady(ram: LiveRam, address: number): Promise<Reading<RootCandidate>> {
  let before: string | undefined
  for (let reading = 0; reading < READINGS; reading++) {
    ram.refresh()
    const candidate = await ram.settle(() => examineRoot(ram.memory, address))
    if (candidate === undefined) return notSeen(`the KHO root at ${hex(address)} was gone when it was read again`)
    const now = JSON.stringify([Buffer.from(candidate.blob).toString('hex'), candidate.radix])
    if (now === before) return seen(candidate)
    before = now
  }
  return notSeen(`the tree behind the KHO root at ${hex(address)} changed between any two of ${READINGS} readings`)
}

/**
 * What this kernel was given: the setup_data whose root has the count before this kernel's own. Undefined when the count says
 * that no kernel with KHO ran before.
 */
function incomingOf(
  out: Reading<RootCandidate>,
  candidates: readonly RootCandidate[],
  { handovers }: RamClues,
): Reading<KhoSetupData> | undefined {
  const count = out.ok ? out.value.kexecCount : undefined
  if (count === undefined) return notSeen('which boot this is, is not known without the live root and its kexec-metadata')
  if (count <= 1) return undefined
  const fitting = handovers.filter(({ fdtAddress }) =>
    candidates.some(({ address, kexecCount }) => address === fdtAddress && kexecCount === count - 1),
  )
  const places = new Map(fitting.map((one) => [`${one.fdtAddress} ${one.scratchAddress} ${one.scratchSize}`, one]))
  const [only, other] = places.values()
  if (only === undefined) return notSeen(`RAM has no setup_data of type 10 that names the root with count ${count - 1}`)
  return other === undefined
    ? seen(only)
    : notSeen(`RAM has ${places.size} different setup_data of type 10 for count ${count - 1}`)
}

const rootOf = (incoming: Reading<KhoSetupData>, root: RootCandidate | undefined): Reading<RootCandidate> => {
  if (!incoming.ok) return incoming
  return root === undefined
    ? notSeen(`there is no KHO root at ${hex(incoming.value.fdtAddress)}, where setup_data says it is`)
    : seen(root)
}

function foundArray({ arrays }: RamClues): HostView['scratchArray'] {
  const [only, other] = arrays
  if (only === undefined) return notSeen('no page of guest RAM begins as an array of scratch regions does')
  if (other !== undefined)
    return notSeen(
      `several pages of guest RAM look like the array of scratch regions: ${arrays.map(({ address }) => hex(address)).join(', ')}`,
    )
  return seen({
    address: hex(only.address),
    regions: only.regions.map(({ start, size }) => ({ start: hex(start), size: hex(size) })),
  })
}

/**
 * Decompressing a kernel leaves pieces of it behind, and a kernel that was left by kexec remains in RAM. Where all of them are
 * of one release, that is the release that runs.
 */
function foundBanner({ banners }: RamClues): HostView['banner'] {
  const [first] = [...banners].sort((a, b) => a.address - b.address)
  if (first === undefined) return notSeen('guest RAM has no linux_banner string')
  const releases = [...new Set(banners.map(({ text }) => text.split(' ')[2] ?? ''))]
  if (releases.length > 1) return notSeen(`guest RAM has the banners of several kernels: ${releases.slice(0, 8).join(', ')}`)
  return seen({ address: hex(first.address), text: first.text })
}
