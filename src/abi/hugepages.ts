import { err, ok, type Result } from '../shared/result.ts'

/** Huge pages of one size, on one node or on all. */
export interface HugepageCount {
  /** As sysfs names it: `2048kB`. */
  readonly size: string
  readonly node: number | undefined
  readonly pages: number
}

const FILE = /^\/sys\/(?:kernel\/mm|devices\/system\/node\/node(\d{1,4}))\/hugepages\/hugepages-(\d{1,12}kB)\/nr_hugepages$/

/** The files nr_hugepages below /sys/kernel/mm/hugepages and of each node (mm/hugetlb_sysfs.c, 7.3); other files are ignored. */
export function parseHugepages(
  files: Iterable<{ readonly path: string; readonly text: string }>,
): Result<readonly HugepageCount[]> {
  const counts: HugepageCount[] = []
  for (const { path, text } of files) {
    const match = FILE.exec(path)
    if (match === null) continue
    if (!/^\d{1,12}\n?$/.test(text)) return err(`not a number of huge pages: ${path}: ${text.slice(0, 40)}`)
    counts.push({ size: match[2] ?? '', node: match[1] === undefined ? undefined : Number(match[1]), pages: Number(text) })
  }
  return counts.length === 0 ? err('sysfs shows no huge pages') : ok(counts)
}
