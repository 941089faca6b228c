import { logLines } from './dmesg.ts'

/** Lines of the kernel log about memory, by what they say; those of one kind are in the order of the log. */
export const MEMORY_LINES = {
  /** free_area_init() and memmap_init(), mm/mm_init.c, 7.3 */
  zones:
    /^(?:Zone ranges:| {2}(?:DMA|DMA32|Normal|Device) {1,8}(?:empty|\[mem [-0-9a-fx]{1,60}\])|Movable zone start for each node|Early memory node ranges| {2}node {1,3}\d{1,4}: \[mem [-0-9a-fx]{1,60}\]|Initmem setup node \d{1,4} .{1,80}|On node \d{1,4}, zone \w{1,16}: \d{1,15} pages in unavailable ranges)$/,
  /** build_all_zonelists(), mm/page_alloc.c */
  zonelists: /^Built \d{1,4} zonelists, /,
  /** pcpu_embed_first_chunk(), mm/percpu.c */
  percpu: /^percpu: Embedded /,
  /** alloc_large_system_hash(), mm/mm_init.c */
  hashTables: /^(?:Dentry cache|Inode-cache|Mount-cache|Mountpoint-cache) hash table entries: /,
  /** mem_init_print_info(), mm/mm_init.c */
  memory: /^Memory: /,
  /** free_reserved_area(), mm/memblock.c */
  freed: /^Freeing .{1,60} memory: \d{1,12}K$/,
  /** kernel/liveupdate/kexec_handover.c */
  kho: /^KHO: /,
} as const

/** All lines of these kinds. */
export const memoryLines = (log: string): readonly string[] =>
  logLines(log).filter((line) => Object.values(MEMORY_LINES).some((pattern) => pattern.test(line)))

const HASH_TABLE = /^(.{1,40}) hash table entries: (\d{1,12}) \(order: \d{1,2}, (\d{1,15}) bytes, /

export function hashTableOf(line: string): { name: string; entries: number; bytes: number } | undefined {
  const match = HASH_TABLE.exec(line)
  return match === null ? undefined : { name: match[1] ?? '', entries: Number(match[2]), bytes: Number(match[3]) }
}

const K = '(\\d{1,15})K'
const MEMORY = new RegExp(
  `^Memory: ${K}/${K} available \\(${K} kernel code, ${K} rwdata, ${K} rodata, ${K} init, ${K} bss, ${K} reserved, ${K} cma-reserved\\)$`,
)

/** The numbers of the line `Memory:` in KiB; undefined for a line of another form. */
export function memoryLineOf(line: string): Readonly<Record<(typeof MEMORY_FIELDS)[number], number>> | undefined {
  const match = MEMORY.exec(line)
  if (match === null) return undefined
  const field = (name: (typeof MEMORY_FIELDS)[number]): number => Number(match[MEMORY_FIELDS.indexOf(name) + 1])
  return {
    available: field('available'),
    total: field('total'),
    kernelCode: field('kernelCode'),
    rwdata: field('rwdata'),
    rodata: field('rodata'),
    init: field('init'),
    bss: field('bss'),
    reserved: field('reserved'),
    cmaReserved: field('cmaReserved'),
  }
}

const MEMORY_FIELDS = ['available', 'total', 'kernelCode', 'rwdata', 'rodata', 'init', 'bss', 'reserved', 'cmaReserved'] as const
