import { memparse, memparsePrefix } from './memparse.ts'
import { parseScratch, type ScratchRequest } from './scratch.ts'

/**
 * What a kernel makes of the options on its command line that the model needs. The user's own part can repeat or contradict the
 * lab's.
 */
export interface KernelOptions {
  readonly kho: boolean
  readonly liveupdate: boolean
  readonly scratch: ScratchRequest
  /** Accepted reserve_mem= options in order. */
  readonly reserveMem: readonly ReserveMem[]
  readonly nokaslr: boolean
  /** Options that hand a reserve_mem region to a driver that writes into it (kernel/trace/trace.c, fs/pstore/ram.c). */
  readonly regionsHaveUsers: boolean
  /** Bytes of huge pages that are too large for the page allocator and so taken from memblock, before scratch. */
  readonly giganticPages: number
  /** The first option that changes which memory or nodes the kernel sees; undefined when there is none. */
  readonly changesMemory: string | undefined
  /** The first option that reserves memory in a way that is not modelled. */
  readonly reservesMore: string | undefined
}

export interface ReserveMem {
  readonly name: string
  readonly size: number
  readonly align: number
}

/** RESERVE_MEM_MAX_ENTRIES and RESERVE_MEM_NAME_SIZE (mm/memblock.c, 7.3). */
const MAX_REGIONS = 8
const NAME_SIZE = 16
/** SMP_CACHE_BYTES: the least alignment. */
const MIN_ALIGN = 64

/** Words without quotes; the parameters read here never hold white space. `ramLimit`: a region above it cannot be allocated. */
export function kernelOptions(cmdline: string, ramLimit: number): KernelOptions {
  const words = cmdline.split(/\s+/).filter((word) => word !== '')
  const values = (name: string): string[] =>
    words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1))
  return {
    kho: lastBool(values('kho')),
    liveupdate: lastBool(values('liveupdate')),
    scratch: parseScratch(values('kho_scratch')),
    reserveMem: reserveMemOf(values('reserve_mem'), ramLimit),
    nokaslr: words.includes('nokaslr'),
    regionsHaveUsers: ['trace_instance', 'ramoops.mem_name'].some((name) => values(name).length > 0),
    giganticPages: giganticPages(words),
    changesMemory: firstOf(words, ['mem', 'memmap', 'numa']),
    reservesMore: firstOf(words, [
      'crashkernel',
      'cma',
      'hugetlb_cma',
      'movable_node',
      'kernelcore',
      'movablecore',
      'swiotlb',
      'log_buf_len',
    ]),
  }
}

const firstOf = (words: readonly string[], names: readonly string[]): string | undefined =>
  words.find((word) => names.includes(word.split('=', 1)[0] ?? ''))

/** PAGE_SIZE << MAX_PAGE_ORDER. */
const LARGEST_BUDDY = 4 * 1024 * 1024

/** hugepages= counts pages of the hugepagesz= before it (mm/hugetlb.c, 7.3). */
function giganticPages(words: readonly string[]): number {
  let size = 0
  let sum = 0
  for (const word of words) {
    const [name, value = ''] = word.split('=')
    if (name === 'hugepagesz') size = memparse(value) ?? 0
    if (name === 'hugepages' && size > LARGEST_BUDDY) sum += size * (Number.parseInt(value, 10) || 0)
  }
  return sum
}

/** kstrtobool() (lib/kstrtox.c): the first letter decides, the second for on and off; anything else leaves what was before. */
function lastBool(texts: readonly string[]): boolean {
  const read = (text: string): boolean | undefined => {
    if (/^([yt1]|on)/i.test(text)) return true
    return /^([nf0]|of)/i.test(text) ? false : undefined
  }
  return (
    texts
      .map(read)
      .filter((value) => value !== undefined)
      .at(-1) ?? false
  )
}

/**
 * reserve_mem() (mm/memblock.c, 7.3): size:align:name; refuses a taken or too long name, a full table, and what no RAM range can
 * hold.
 */
function reserveMemOf(texts: readonly string[], ramLimit: number): readonly ReserveMem[] {
  const regions: ReserveMem[] = []
  for (const text of texts) {
    const size = memparsePrefix(text)
    if (size === undefined || size.value === 0 || !size.rest.startsWith(':')) continue
    const align = memparsePrefix(size.rest.slice(1))
    const rest = align?.rest ?? size.rest.slice(1)
    const name = rest.slice(1)
    if (!rest.startsWith(':') || name === '' || name.length >= NAME_SIZE) continue
    if (regions.length >= MAX_REGIONS || regions.some((region) => region.name === name) || size.value > ramLimit) continue
    regions.push({ name, size: size.value, align: Math.max(align?.value ?? 0, MIN_ALIGN) })
  }
  return regions
}
