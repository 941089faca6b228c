/** One line of /proc/PID/maps. */
export interface Mapping {
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** Writes reach the file behind it. */
  readonly shared: boolean
  readonly writable: boolean
  /** Where in the file the mapping begins. */
  readonly offset: number
  /** `major:minor` in hexadecimal and the inode number; inode 0 has no file. */
  readonly device: string
  readonly inode: number
}

const LINE = /^([0-9a-f]+)-([0-9a-f]+) [r-]([w-])[x-]([sp]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+)/

/** /proc/PID/maps (show_map_vma(), fs/proc/task_mmu.c). Lines of any other form are left out. */
export function parseMaps(text: string): readonly Mapping[] {
  return text.split('\n').flatMap((line) => {
    const [, start = '', end = '', writable, shared, offset = '', device = '', inode] = LINE.exec(line) ?? []
    if (inode === undefined) return []
    return [
      {
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        shared: shared === 's',
        writable: writable === 'w',
        offset: Number.parseInt(offset, 16),
        device,
        inode: Number(inode),
      },
    ]
  })
}
