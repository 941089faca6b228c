import { decodeKhoRoot } from '../../abi/kho-root.ts'
import {
  KHO_SETUP_DATA_SIZE,
  SCRATCH_ENTRY_SIZE,
  SETUP_KEXEC_KHO,
  decodeKhoSetupData,
  decodeScratchArray,
  type KhoSetupData,
  type ScratchEntry,
} from '../../abi/setup-data.ts'
import { insideRam, type PhysMemory } from '../../shared/phys-memory.ts'
import { GiB, MiB, PAGE_SIZE } from '../../shared/units.ts'
import { bannerIn } from './banner.ts'
import { foreignRoot, type ForeignRoot } from './root-candidates.ts'
import { scanPages } from './scan.ts'

/** Where RAM holds something that looks as KHO writes it. What of it is in use is for the reader to decide. */
export interface RamClues {
  /** Pages that decode as a KHO root FDT. */
  readonly roots: readonly number[]
  readonly foreign: readonly ForeignRoot[]
  /** setup_data of type 10. */
  readonly handovers: readonly KhoSetupData[]
  /** Pages that begin as a struct kho_scratch[] does. */
  readonly arrays: readonly { readonly address: number; readonly regions: readonly ScratchEntry[] }[]
  /** Strings with the form of linux_banner. */
  readonly banners: readonly { readonly address: number; readonly text: string }[]
}

export interface ClueOptions {
  /** Scratch regions that there must be: NUMA nodes with memory and two more; undefined when the nodes are not known. */
  readonly regionCount: number | undefined
  readonly load: (start: number, length: number) => Promise<void>
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const FDT_MAGIC = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)
/** More of one kind than any guest that was not made to confuse has. */
const MOST = 256
/** Every scratch region begins and ends at a multiple of this: the pageblock up to 7.1, twice that since. */
const SCRATCH_ALIGN = 2 * MiB
const MAX_REGIONS = 66

/** One pass over all of RAM. */
export async function findClues(memory: PhysMemory, options: ClueOptions): Promise<RamClues> {
  const roots: number[] = []
  const foreign: ForeignRoot[] = []
  const handovers: KhoSetupData[] = []
  const arrays: RamClues['arrays'][number][] = []
  const banners: RamClues['banners'][number][] = []
  await scanPages(memory, {
    starts: [FDT_MAGIC],
    before: options.load,
    onProgress: options.onProgress,
    signal: options.signal,
    visit: (address, page) => {
      if (roots.length < MOST && decodeKhoRoot(page).ok) roots.push(address)
      else {
        const other = foreign.length < MOST ? foreignRoot(page, address) : undefined
        if (other !== undefined) foreign.push(other)
      }
      return false
    },
    inspect: (start, chunk) => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      if (handovers.length < MOST) handovers.push(...handoversIn(memory, bytes))
      if (arrays.length < MOST) arrays.push(...arraysIn(memory, start, bytes, options.regionCount))
      for (const { offset, text } of banners.length < MOST ? bannersIn(bytes) : [])
        banners.push({ address: start + offset, text })
    },
  })
  return { roots, foreign, handovers, arrays, banners }
}

/** type and len of struct setup_data, which follow its next pointer; struct kho_data follows them. */
const KHO_HEADER = Buffer.from(Uint32Array.of(SETUP_KEXEC_KHO, KHO_SETUP_DATA_SIZE).buffer)

function handoversIn(memory: PhysMemory, bytes: Buffer): KhoSetupData[] {
  const found: KhoSetupData[] = []
  for (let at = bytes.indexOf(KHO_HEADER); at !== -1; at = bytes.indexOf(KHO_HEADER, at + 1)) {
    const decoded = decodeKhoSetupData(bytes.subarray(at + KHO_HEADER.length, at + KHO_HEADER.length + KHO_SETUP_DATA_SIZE))
    if (decoded.ok && isHandover(memory, decoded.value)) found.push(decoded.value)
  }
  return found
}

const isHandover = (memory: PhysMemory, { fdtAddress, fdtSize, scratchAddress, scratchSize }: KhoSetupData): boolean =>
  fdtSize === PAGE_SIZE &&
  fdtAddress % PAGE_SIZE === 0 &&
  scratchSize > 0 &&
  scratchSize % SCRATCH_ENTRY_SIZE === 0 &&
  scratchSize <= MAX_REGIONS * SCRATCH_ENTRY_SIZE &&
  insideRam(memory, fdtAddress, fdtSize) &&
  insideRam(memory, scratchAddress, scratchSize)

/** kho_reserve_scratch() (7.3) allocates the array at the beginning of a page. */
function arraysIn(memory: PhysMemory, start: number, bytes: Buffer, count: number | undefined): RamClues['arrays'][number][] {
  const found: RamClues['arrays'][number][] = []
  for (let at = 0; at + PAGE_SIZE <= bytes.length; at += PAGE_SIZE) {
    // Almost every page ends here: the first address is aligned and not 0.
    if (bytes.readUInt32LE(at) % SCRATCH_ALIGN !== 0 || bytes.readBigUInt64LE(at) === 0n) continue
    const regions = regionsAt(memory, bytes.subarray(at, at + PAGE_SIZE), count)
    if (regions !== undefined) found.push({ address: start + at, regions })
  }
  return found
}

function regionsAt(memory: PhysMemory, page: Buffer, count: number | undefined): readonly ScratchEntry[] | undefined {
  const regions: ScratchEntry[] = []
  for (let index = 0; index < (count ?? MAX_REGIONS); index++) {
    const decoded = decodeScratchArray(page.subarray(index * SCRATCH_ENTRY_SIZE, (index + 1) * SCRATCH_ENTRY_SIZE))
    const region = decoded.ok ? decoded.value[0] : undefined
    if (region === undefined || !isRegion(memory, region, regions)) break
    regions.push(region)
  }
  const [lowmem] = regions
  if (lowmem === undefined || lowmem.start + lowmem.size > 4 * GiB || regions.every(({ size }) => size === 0)) return undefined
  return regions.length >= 3 && regions.length === (count ?? regions.length) ? regions : undefined
}

const isRegion = (memory: PhysMemory, { start, size }: ScratchEntry, before: readonly ScratchEntry[]): boolean =>
  start !== 0 &&
  start % SCRATCH_ALIGN === 0 &&
  size % SCRATCH_ALIGN === 0 &&
  insideRam(memory, start, size) &&
  before.every((other) => start + size <= other.start || other.start + other.size <= start)

function bannersIn(bytes: Buffer): { readonly offset: number; readonly text: string }[] {
  const found: { offset: number; text: string }[] = []
  for (let one = bannerIn(bytes, 0); one !== undefined; one = bannerIn(bytes, one.offset + 1)) {
    // The string in the kernel ends with a line feed and a zero; the copy in its log ends otherwise.
    const end = one.offset + one.text.length
    if (bytes[end] === 0x0a && bytes[end + 1] === 0) found.push(one)
    if (found.length === MOST) break
  }
  return found
}
