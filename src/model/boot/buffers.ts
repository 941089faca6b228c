import { GiB, MiB, PAGE_SIZE, roundUp } from '../../shared/units.ts'
import { allocate, has, type BootState } from './input.ts'
import { memoryNodes } from './numa-init.ts'

const KERNEL_LONG = 8
/** PRB_AVGBITS (kernel/printk/printk.c, 7.3): one descriptor for each 32 bytes of text. */
const PRB_AVERAGE = 32
const LOG_BUF_LEN_MAX = 2 ** 31

/** Smallest power of two that is no less than `value`. */
export function powerOfTwo(value: number): number {
  let power = 1
  while (power < value) power *= 2
  return power
}

/** Bytes that log_buf_len= asks for; 0 when it is no more than the kernel has already. */
export function requestedLogBuffer({ input }: BootState): number {
  const asked = input.early.logBufLen
  if (asked === undefined || asked === 0) return 0
  const size = powerOfTwo(Math.min(asked, LOG_BUF_LEN_MAX))
  return size > 2 ** input.build.numbers.logBufShift ? size : 0
}

/** log_buf_add_cpu(): more only for more CPUs than a small machine has; 0 when the static buffer does. */
export function logBufferForCpus({ input }: BootState): number {
  const { logBufShift, logCpuMaxBufShift } = input.build.numbers
  const extra = (input.cpuNodes.length - 1) * 2 ** logCpuMaxBufShift
  return extra <= 2 ** logBufShift / 2 ? 0 : powerOfTwo(extra + 2 ** logBufShift)
}

/** setup_log_buf() (kernel/printk/printk.c, 7.3): text, descriptors, and what is known of each record. */
export function allocateLogBuffer(state: BootState, length: number): void {
  const { numbers } = state.input.build
  const records = length / PRB_AVERAGE
  allocate(state, 'the log buffer', { size: length, align: KERNEL_LONG })
  allocate(state, 'log descriptors', { size: records * numbers.sizeofPrbDesc, align: KERNEL_LONG })
  allocate(state, 'log records', { size: records * numbers.sizeofPrintkInfo, align: KERNEL_LONG })
}

/** hashdist: with several nodes the large hash tables wait for vmalloc (fixup_hashdist(), mm/mm_init.c, 7.3). */
export const hashesEarly = (state: BootState): boolean => memoryNodes(state).length === 1

const ADAPT_FROM = (64 * GiB) / PAGE_SIZE
const MOST_ENTRIES = 0x80000000

/** alloc_large_system_hash() (mm/mm_init.c, 7.3): one bucket per 2^scale bytes of free memory, in a power of two. */
export function hashEntries(freePages: number, bucket: number, scale: number, least: number): number {
  const pages = roundUp(freePages, MiB / PAGE_SIZE)
  let adapted = scale
  for (let limit = ADAPT_FROM; limit < pages; limit *= 4) adapted += 1
  const wanted = Math.floor((pages * PAGE_SIZE) / 2 ** adapted)
  const most = Math.min(Math.floor((freePages * PAGE_SIZE) / 16 / bucket), MOST_ENTRIES)
  const entries = Math.min(Math.max(powerOfTwo(wanted * bucket < PAGE_SIZE ? PAGE_SIZE / bucket : wanted), least), most)
  return 2 ** Math.floor(Math.log2(entries))
}

/** The same with HASH_EARLY: half as many entries when there is no room, down to one page. */
export function allocateHash(state: BootState, what: string, bucket: number, scale: number, least: number): void {
  const { smpCacheBytes: align } = state.input.build.numbers
  let size = bucket * hashEntries(state.freePages, bucket, scale, least)
  while (size > PAGE_SIZE && state.memblock.find({ size, align }) === undefined) size /= 2
  allocate(state, what, { size, align })
  state.earlyHashes.push(size)
}

const IO_TLB_SIZE = 2048
const IO_TLB_SEGMENT = 128
const LEAST_SLABS = MiB / IO_TLB_SIZE
/** ARCH_LOW_ADDRESS_LIMIT (include/linux/memblock.h): exclusive, so the last byte below 4 GiB stays free. */
export const LOW_ADDRESS_LIMIT = 0xffffffff

/** pci_swiotlb_detect() (arch/x86/kernel/pci-dma.c, 7.3): bounce buffers where RAM reaches beyond 32 bits. */
export const needsBounceBuffers = ({ input, maxRam }: BootState): boolean => has(input, 'SWIOTLB') && maxRam > 4 * GiB

/** swiotlb_init_remap() (kernel/dma/swiotlb.c, 7.3): halved until it fits; nothing when even 1 MiB does not. */
export function allocateBounceBuffers(state: BootState): void {
  const { numbers } = state.input.build
  let areas = powerOfTwo(state.input.cpuNodes.length)
  let slabs = Math.max(numbers.ioTlbDefaultSize / IO_TLB_SIZE, IO_TLB_SEGMENT * areas)
  for (;;) {
    const found = state.memblock.allocInternal({ size: slabs * IO_TLB_SIZE, align: PAGE_SIZE, end: LOW_ADDRESS_LIMIT })
    if (found !== undefined) break
    if (slabs <= LEAST_SLABS) return
    slabs = roundUp(Math.floor(slabs / 2), IO_TLB_SEGMENT)
    areas = Math.min(areas, Math.floor(slabs / IO_TLB_SEGMENT))
  }
  allocate(state, 'bounce buffer slots', { size: roundUp(numbers.sizeofIoTlbSlot * slabs, PAGE_SIZE), align: PAGE_SIZE })
  allocate(state, 'bounce buffer areas', { size: numbers.sizeofIoTlbArea * areas, align: numbers.smpCacheBytes })
}
