import type { MemorySubjects } from '../../shared/documents/index.ts'
import { KiB, PAGE_SIZE } from '../../shared/units.ts'
import { hashEntries } from '../boot/buffers.ts'
import { sizeOf } from '../boot/input.ts'
import { possibleNodes } from '../boot/numa-init.ts'
import { percpuShape } from '../boot/percpu.ts'
import { pagesWhenCounted, type ZonePages } from '../zones/pages.ts'
import { RELEASED } from '../zones/released.ts'
import type { RunningMemory } from '../zones/running.ts'

const sum = (zones: readonly ZonePages[], count: (zone: ZonePages) => number): number =>
  zones.reduce((total, zone) => total + count(zone), 0)
const toKiB = (pages: number): number => (pages * PAGE_SIZE) / KiB
const MIGRATE_TYPES = 6

/** build_all_zonelists() (mm/page_alloc.c, 7.3): before memblock_free_all() a zone's present pages count as managed. */
export function zonelistsLine(memory: RunningMemory): string {
  const total = sum(memory.zones, ({ present }) => present)
  const grouping = total < 2 ** memory.input.build.numbers.pageblockOrder * MIGRATE_TYPES ? 'off' : 'on'
  return `Built ${possibleNodes(memory).length} zonelists, mobility grouping ${grouping}.  Total pages: ${total}`
}

/** pcpu_embed_first_chunk() (mm/percpu.c, 7.3) */
export function percpuLine(memory: RunningMemory): string {
  const { staticSize, reservedSize, dynamicSize, unitSize } = percpuShape(memory)
  const pages = (staticSize + reservedSize + dynamicSize) / PAGE_SIZE
  return `percpu: Embedded ${pages} pages/cpu s${staticSize} r${reservedSize} d${dynamicSize} u${unitSize}`
}

/** alloc_large_system_hash() (mm/mm_init.c, 7.3) for the tables of fs/dcache.c, fs/inode.c and fs/namespace.c. */
export function hashTables({ booted, input }: RunningMemory): MemorySubjects['log.hashTables'] {
  const { sizeofDentryBucket, sizeofInodeBucket } = input.build.numbers
  const table = (name: string, bucket: number, scale: number, least: number, early?: number) => {
    const bytes = early ?? bucket * hashEntries(booted.freePages, bucket, scale, least)
    return { name, entries: bytes / bucket, bytes }
  }
  const [dentries, inodes] = booted.earlyHashes
  return [
    table('Dentry cache', sizeofDentryBucket, 13, 2, dentries),
    table('Inode-cache', sizeofInodeBucket, 14, 0, inodes),
    // Their buckets are struct hlist_head, as those of inodes.
    table('Mount-cache', sizeofInodeBucket, 19, 0),
    table('Mountpoint-cache', sizeofInodeBucket, 19, 0),
  ]
}

/** mem_init_print_info() (mm/mm_init.c, 7.3), without the free pages, which depend on what has been allocated until then. */
export function memoryLine({ zones, booted, input }: RunningMemory): MemorySubjects['log.memory'] {
  const kib = (from: Parameters<typeof sizeOf>[1], to: Parameters<typeof sizeOf>[2]): number =>
    Math.floor(sizeOf(input, from, to) / KiB)
  const present = sum(zones, (zone) => zone.present)
  return {
    total: toKiB(present),
    // _stext is _text (arch/x86/kernel/vmlinux.lds.S); the init text lies between __init_begin and __init_end.
    kernelCode: kib('_text', '_etext'),
    rwdata: kib('_sdata', '_edata'),
    rodata: kib('__start_rodata', '__end_rodata'),
    init: kib('__init_begin', '__init_end'),
    bss: kib('__bss_start', '__bss_stop'),
    reserved: toKiB(present - pagesWhenCounted(booted, input)),
    cmaReserved: 0,
  }
}

/** What free_reserved_area() (mm/memblock.c, 7.3) says of each area that it gives back, sorted: the initrd is freed at its own time. */
export function freedLines({ booted, input }: RunningMemory): readonly string[] {
  return RELEASED.flatMap(({ said, spans }) => {
    if (said === undefined) return []
    return spans(booted, input).map(({ start, end }) => `Freeing ${said} memory: ${(end - start) / KiB}K`)
  }).sort()
}
