import type { Basis } from '../../shared/documents/index.ts'
import { PAGE_SIZE, roundDown, roundUp } from '../../shared/units.ts'
import type { Span } from '../firmware-map.ts'
import { symbolAt, type BootInput } from '../boot/input.ts'
import type { BootedMemory } from '../boot/schedule.ts'
import { FLAG, hasFlag } from '../memblock/flags.ts'

/** Reserved memory that a kernel gives to the page allocator when that runs already. */
export interface Release {
  readonly name: string
  readonly basis: Basis
  /** Done by the time of the kernel's `Memory:` line (page_alloc_init_late(), mm/mm_init.c). */
  readonly early?: true
  /** What free_reserved_area() calls it in the kernel log; some are not spoken of. */
  readonly said?: string
  readonly spans: (booted: BootedMemory, input: BootInput) => readonly Span[]
}

const from = (name: string, file: string): Basis => ({ function: name, file, release: '7.3' })

const keepsInitrd = ({ cmdline }: BootInput): boolean =>
  cmdline.split(/\s+/).some((word) => word === 'retain_initrd' || word === 'keepinitrd')

const wholePages = (start: number, end: number): readonly Span[] =>
  roundUp(start, PAGE_SIZE) < roundDown(end, PAGE_SIZE)
    ? [{ start: roundUp(start, PAGE_SIZE), end: roundDown(end, PAGE_SIZE) }]
    : []

/** What free_reserved_area(), adjust_managed_page_count() and their kin add to a zone after memblock_free_all(), in order. */
export const RELEASED: readonly Release[] = [
  {
    name: 'gigantic pages',
    early: true,
    basis: from('gather_bootmem_prealloc_node', 'mm/hugetlb.c'),
    spans: ({ memblock }) =>
      memblock.reserved.regions
        .filter(({ flags }) => hasFlag(flags, FLAG.RSRV_HUGETLB))
        .map(({ base, size }) => ({ start: base, end: base + size })),
  },
  {
    name: "memblock's own arrays",
    basis: from('memblock_discard', 'mm/memblock.c'),
    spans: ({ memblock }) => memblock.arrays.map(({ base, size }) => ({ start: base, end: base + size })),
  },
  {
    name: 'scratch',
    basis: from('init_cma_reserved_pageblock', 'mm/mm_init.c'),
    // A boot with a handover has never reserved it.
    spans: ({ scratch }, { handover }) =>
      scratch?.ok === true && handover === undefined
        ? scratch.regions.map(({ start, size }) => ({ start, end: start + size }))
        : [],
  },
  {
    name: 'preserved pages that are done with',
    early: true,
    basis: from('kho_restore_page', 'kernel/liveupdate/kexec_handover.c'),
    spans: (_booted, { handover }) => (handover?.restored ?? []).map((start) => ({ start, end: start + PAGE_SIZE })),
  },
  {
    name: 'preserved memory that khoprobe has taken back',
    basis: from('kho_restore_page', 'kernel/liveupdate/kexec_handover.c'),
    spans: (_booted, { handover }) => handover?.takenBack ?? [],
  },
  {
    name: 'initrd',
    said: 'initrd',
    basis: from('free_initrd_mem', 'arch/x86/mm/init.c'),
    spans: (_booted, input) => (keepsInitrd(input) ? [] : wholePages(input.initrd.start, roundUp(input.initrd.end, PAGE_SIZE))),
  },
  {
    name: 'init code and data',
    said: 'unused kernel image (initmem)',
    basis: from('free_initmem', 'arch/x86/mm/init.c'),
    spans: (_booted, input) => wholePages(symbolAt(input, '__init_begin'), symbolAt(input, '__init_end')),
  },
  {
    name: 'gap behind the kernel text',
    said: 'unused kernel image (text/rodata gap)',
    basis: from('mark_rodata_ro', 'arch/x86/mm/init_64.c'),
    spans: (_booted, input) => wholePages(symbolAt(input, '_etext'), symbolAt(input, '__start_rodata')),
  },
  {
    name: 'gap behind the read-only data',
    said: 'unused kernel image (rodata/data gap)',
    basis: from('mark_rodata_ro', 'arch/x86/mm/init_64.c'),
    spans: (_booted, input) => wholePages(symbolAt(input, '__end_rodata'), symbolAt(input, '_sdata')),
  },
]
