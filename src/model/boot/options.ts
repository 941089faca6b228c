import { memparsePrefix } from '../memparse.ts'

/** Options that reserve memory early, or that decide how much others reserve, as the kernel reads them. */
export interface EarlyOptions {
  readonly crashkernel: CrashkernelRequest | undefined
  /** Gigantic pages in the order in which they are allocated. */
  readonly giganticPages: readonly GiganticPages[]
  /** How many pages of 2 MiB the page allocator is asked for; undefined where certain nodes are. */
  readonly hugePages: number | undefined
  /** log_buf_len= in bytes, as asked for. */
  readonly logBufLen: number | undefined
  /** The first option whose effect on early memory is not modelled. */
  readonly notModelled: string | undefined
}

export interface CrashkernelRequest {
  /** Bytes for a system of `ram` bytes; 0 for none. */
  readonly size: (ram: number) => number
  readonly offset: number | undefined
  readonly high: boolean
  /** Bytes below 4 GiB that go with a high region; undefined for the default. */
  readonly low: number | undefined
}

export interface GiganticPages {
  readonly size: number
  /** Pages anywhere, taken from the nodes in turn. */
  readonly count: number
  /** Or pages of certain nodes. */
  readonly perNode: ReadonlyMap<number, number>
}

/** They change the memory, the CPUs or the tables that a kernel starts from, or reserve something of their own. */
const NOT_MODELLED = [
  'mem',
  'memmap',
  'numa',
  'movable_node',
  'kernelcore',
  'movablecore',
  'cma',
  'hugetlb_cma',
  'hugetlb_free_vmemmap',
  'swiotlb',
  'nogbpages',
  'gbpages',
  'percpu_alloc',
  'dhash_entries',
  'ihash_entries',
  'nosmp',
  'nr_cpus',
  'possible_cpus',
  'maxcpus',
  'noapic',
  'nolapic',
  'acpi',
  'iommu',
  'memtest',
  'isolcpus',
  'nohz_full',
  'noinitrd',
  'initrdmem',
  'initrd',
  'hpet',
  'nohpet',
  'debug_pagealloc',
  'page_owner',
  'initcall_blacklist',
  'elfcorehdr',
  'disableapic',
  'hashdist',
]

export function earlyOptions(cmdline: string): EarlyOptions {
  const words = cmdline.split(/\s+/).filter((word) => word !== '')
  const values = (name: string): string[] =>
    words.filter((word) => word.startsWith(`${name}=`)).map((word) => word.slice(name.length + 1))
  const logBufLen = values('log_buf_len').at(-1)
  const crashkernel = crashkernelOf(values('crashkernel'))
  return {
    crashkernel: crashkernel === 'cma' ? undefined : crashkernel,
    ...hugePages(words),
    logBufLen: logBufLen === undefined ? undefined : memparsePrefix(logBufLen)?.value,
    notModelled:
      crashkernel === 'cma' ? 'crashkernel=,cma' : words.find((word) => NOT_MODELLED.includes(word.split('=', 1)[0] ?? '')),
  }
}

/** parse_crashkernel() (kernel/crash_reserve.c, 7.3): the last one of each form counts. */
function crashkernelOf(texts: readonly string[]): CrashkernelRequest | 'cma' | undefined {
  const withSuffix = (suffix: string): string | undefined => texts.filter((text) => text.endsWith(suffix)).at(-1)
  if (withSuffix(',cma') !== undefined) return 'cma'
  const plain = texts.filter((text) => !/,(high|low)$/.test(text)).at(-1)
  if (plain !== undefined) return plain.includes(':') ? rangesRequest(plain) : simpleRequest(plain)
  const high = memparsePrefix(withSuffix(',high') ?? '')
  if (high === undefined || high.rest !== ',high' || high.value === 0) return undefined
  const lowText = withSuffix(',low')
  const low = lowText === undefined ? undefined : memparsePrefix(lowText)
  if (lowText !== undefined && low?.rest !== ',low') return undefined
  return { size: () => high.value, offset: undefined, high: true, low: low?.value }
}

/** size[@offset] */
function simpleRequest(text: string): CrashkernelRequest | undefined {
  const size = memparsePrefix(text)
  if (size === undefined || !(size.rest === '' || size.rest.startsWith('@'))) return undefined
  const offset = memparsePrefix(size.rest.slice(1))?.value
  return { size: () => size.value, offset: offset === 0 ? undefined : offset, high: false, low: undefined }
}

/** start-[end]:size[,…][@offset]; the memory of the system counts in units of 128 MiB. */
function rangesRequest(text: string): CrashkernelRequest | undefined {
  const [list = '', at] = text.split('@', 2)
  const ranges = list.split(',').map((range) => /^([^-:]+)-([^:]*):(.+)$/.exec(range))
  const read = ranges.map((match) => ({
    start: memparsePrefix(match?.[1] ?? '')?.value,
    end: match?.[2] === '' ? Infinity : memparsePrefix(match?.[2] ?? '')?.value,
    size: memparsePrefix(match?.[3] ?? '')?.value,
  }))
  if (read.some(({ start, end, size }) => start === undefined || end === undefined || size === undefined)) return undefined
  const offset = at === undefined ? undefined : memparsePrefix(at)?.value
  const size = (ram: number): number => {
    const total = Math.ceil(ram / 2 ** 27) * 2 ** 27
    const match = read.find(({ start = 0, end = 0 }) => total >= start && total < end)
    return match?.size ?? 0
  }
  return { size, offset, high: false, low: undefined }
}

const HUGE = 2 * 1024 * 1024
const GIGANTIC = 1024 * 1024 * 1024

/** hugepagesz=, default_hugepagesz= and hugepages= in order (mm/hugetlb.c, 7.3). */
function hugePages(words: readonly string[]): Pick<EarlyOptions, 'giganticPages' | 'hugePages'> {
  const states = new Map<number, { count: number; perNode: Map<number, number> }>()
  let size: number | undefined
  let beforeAnySize: string | undefined
  for (const word of words) {
    const [name, value = ''] = word.split('=', 2)
    if (name === 'hugepagesz' || name === 'default_hugepagesz') {
      const asked = memparsePrefix(value)?.value
      size = asked === HUGE || asked === GIGANTIC ? asked : undefined
      if (size !== undefined && !states.has(size)) states.set(size, { count: 0, perNode: new Map() })
      if (name === 'default_hugepagesz' && size !== undefined && beforeAnySize !== undefined)
        states.set(size, pagesAsked(beforeAnySize))
    } else if (name === 'hugepages') {
      if (size !== undefined) states.set(size, pagesAsked(value))
      else if (states.size === 0) beforeAnySize = value
    }
  }
  // Without default_hugepagesz= a number before any size is one of the default size, and overrides others (hugetlb_init()).
  const ofDefault = words.some((word) => word.startsWith('default_hugepagesz=')) ? undefined : beforeAnySize
  const asked = ofDefault === undefined ? (states.get(HUGE) ?? pagesAsked('')) : pagesAsked(ofDefault)
  return {
    giganticPages: [...states].filter(([bytes]) => bytes === GIGANTIC).map(([bytes, pages]) => ({ size: bytes, ...pages })),
    hugePages: asked.perNode.size === 0 ? asked.count : undefined,
  }
}

/** `4`, or `0:2,1:2` for certain nodes. */
function pagesAsked(text: string): { count: number; perNode: Map<number, number> } {
  const nodes = [...text.matchAll(/(\d+):(\d+)/g)].map(([, node, count]) => [Number(node), Number(count)] as const)
  const count = nodes.length > 0 ? nodes.reduce((sum, [, pages]) => sum + pages, 0) : Number.parseInt(text, 10) || 0
  return { count, perNode: new Map(nodes) }
}
