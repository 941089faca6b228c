import type { Basis } from '../shared/documents/index.ts'

/** A defect of the kernel that the model knows, and predicts as the kernel behaves. Data for compare and report. */
interface KnownDefect {
  readonly id: string
  readonly title: string
  readonly explanation: string
  readonly basis: readonly Basis[]
}

const KHO = 'kernel/liveupdate/kexec_handover.c'

const knownDefects = [
  {
    id: 'out-fdt-truncated',
    title: 'out/fdt in debugfs is shorter than the FDT it shows',
    explanation:
      'debugfs keeps the length that the root FDT had at the end of kho_init(); LUO and memblock are added to the same ' +
      'page later, so the file ends before the blob does. The handover itself is not affected: the next kernel reads the page.',
    basis: [
      { function: 'kho_init', file: KHO, release: '7.3' },
      { function: 'kho_add_subtree', file: KHO, release: '7.3' },
    ],
  },
  {
    id: 'out-fdt-absent-after-kho-boot',
    title: 'out/fdt does not exist in debugfs after a KHO boot',
    explanation:
      'kho_init() returns as soon as it has shown the incoming tree, before it adds the outgoing one to debugfs. ' +
      'The outgoing tree exists and is handed over; only the file is missing.',
    basis: [{ function: 'kho_init', file: KHO, release: '7.3' }],
  },
  {
    id: 'luo-empty-block',
    title: 'a LUO session that is refused for its name makes the next kernel panic',
    explanation:
      'luo_session_insert() makes room for the session before it looks for the name, and takes nothing back when the name exists. ' +
      'After 51 sessions, or a multiple, that room is a new kho_block, which stays empty; the next kernel refuses a block without ' +
      'entries and panics instead of going on without the sessions.',
    basis: [
      { function: 'luo_session_insert', file: 'kernel/liveupdate/luo_session.c', release: '7.3' },
      { function: 'kho_block_set_restore', file: 'kernel/liveupdate/kho_block.c', release: '7.3' },
    ],
  },
  {
    id: 'reserve-mem-in-scratch',
    title: 'a new reserve_mem region takes all the others with it',
    explanation:
      'On a boot with a handover reserve_mem() allocates a region that it cannot revive where memblock then allocates, which is scratch ' +
      '(the source has a TODO for it). KHO refuses pages there, and reserve_mem_init() hands over no region at all then, not even one that ' +
      'was revived: the kernel after that finds none of them.',
    basis: [
      { function: 'reserve_mem', file: 'mm/memblock.c', release: '7.3' },
      { function: 'reserved_mem_preserve', file: 'mm/memblock.c', release: '7.3' },
      { function: 'kho_preserve_pages', file: KHO, release: '7.3' },
    ],
  },
] as const satisfies readonly KnownDefect[]

export type DefectId = (typeof knownDefects)[number]['id']

export const defectOf = (id: string): KnownDefect | undefined => knownDefects.find((defect) => defect.id === id)
