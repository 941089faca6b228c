import { entryBytes } from '../../abi/record-list.ts'
import { fdtTotalSize } from '../../abi/fdt.ts'
import type { GuestView, HostView, PreservedRecord, RootFdtView } from '../../shared/documents/index.ts'
import { insideRam } from '../../shared/phys-memory.ts'
import { fromHex, PAGE_SIZE } from '../../shared/units.ts'
import { bytesOf, from, guest, hasValue, host, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'
import { allRecords } from './preserved.ts'

type Violations<T> = { readonly violations: readonly T[] }

export const invariantObservers: ObserversOf<
  'invariant.preserved-outside-scratch' | 'invariant.addresses-inside-ram' | 'invariant.lengths-agree'
> = {
  'invariant.preserved-outside-scratch': { guest: never('debugfs does not show the radix tree'), host: host(recordsInScratch) },
  'invariant.addresses-inside-ram': { guest: never('debugfs shows contents, not where they lie'), host: host(outsideRam) },
  'invariant.lengths-agree': { guest: guest(guestLengths), host: host(hostLengths) },
}

function recordsInScratch(view: HostView): Look<Violations<PreservedRecord>> {
  const records = allRecords(view)
  if (!hasValue(records)) return records
  return from(view.scratchArray, 'struct kho_scratch[] in RAM', ({ regions }) =>
    value({
      violations: records.value.filter((record) => {
        const start = fromHex(record.start)
        return regions.some(
          (region) => start < fromHex(region.start) + fromHex(region.size) && fromHex(region.start) < start + entryBytes(record),
        )
      }),
    }),
  )
}

function outsideRam(view: HostView): Look<Violations<string>> {
  const records = allRecords(view)
  if (!hasValue(records)) return records
  return from(view.ramMap, "QEMU's RAM map", (map) =>
    from(view.outRoot, 'the KHO root in RAM', (root) => {
      const ranges = map.map((range) => ({ start: fromHex(range.start), end: fromHex(range.end) }))
      const places = [
        { name: 'root', start: fromHex(root.address), size: PAGE_SIZE },
        { name: 'tree', start: fromHex(root.preservedMemoryMap), size: PAGE_SIZE },
        ...root.subtrees.map((subtree) => ({ name: subtree.name, start: fromHex(subtree.address), size: subtree.size })),
        ...records.value.map((record) => ({
          name: `record ${record.start}`,
          start: fromHex(record.start),
          size: entryBytes(record),
        })),
      ]
      return value({
        violations: places.filter(({ start, size }) => !insideRam({ ranges }, start, size)).map(({ name }) => name),
      })
    }),
  )
}

/**
 * What debugfs says about lengths. out/fdt is not among it: that its length is fixed too early is known
 * (kho_init(), kernel/liveupdate/kexec_handover.c, 7.3) and has a claim of its own.
 */
function guestLengths(view: GuestView): Look<Violations<string>> {
  return from(view.scratchPhys, 'out/scratch_phys', (starts) =>
    from(view.scratchLen, 'out/scratch_len', (sizes) =>
      from(view.outSubtrees, 'out/sub_fdts', (subtrees) =>
        value({
          violations: [
            ...(starts.length === sizes.length
              ? []
              : [`out/scratch_phys has ${starts.length} lines, out/scratch_len ${sizes.length}`]),
            ...Object.keys(subtrees)
              .sort()
              .flatMap((name) => headerLength(`out/sub_fdts/${name}`, subtrees[name])),
            ...(view.inFdt.ok ? headerLength('in/fdt', view.inFdt.value) : []),
          ],
        }),
      ),
    ),
  )
}

function hostLengths(view: HostView): Look<Violations<string>> {
  return from(view.outRoot, 'the KHO root in RAM', (root) => {
    const unread = root.subtrees.find((subtree) => !subtree.blob.ok)
    if (unread !== undefined && !unread.blob.ok) return unobserved(`sub node ${unread.name}: ${unread.blob.reason}`)
    return value({ violations: [...headerLength('the KHO root', root.blob), ...root.subtrees.flatMap(subtreeLength)] })
  })
}

function subtreeLength(subtree: RootFdtView['subtrees'][number]): string[] {
  if (!subtree.blob.ok) return []
  const { value: blob } = subtree.blob
  return [
    ...(blob.size === subtree.size
      ? []
      : [`sub node ${subtree.name} has blob-size ${subtree.size}, ${blob.size} bytes are there`]),
    ...headerLength(`sub node ${subtree.name}`, blob),
  ]
}

/** For blobs that are FDTs: the header's totalsize against the length. */
function headerLength(name: string, blob: { readonly size: number; readonly hex?: string | undefined } | undefined): string[] {
  const declared = blob && fdtTotalSize(bytesOf(blob) ?? new Uint8Array())
  return blob === undefined || declared === undefined || declared === blob.size
    ? []
    : [`${name} has ${blob.size} bytes, its header says ${declared}`]
}
