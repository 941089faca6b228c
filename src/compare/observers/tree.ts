import { decodeKexecMetadata } from '../../abi/kexec-metadata.ts'
import { decodeKhoRoot, type KhoRoot } from '../../abi/kho-root.ts'
import { decodeLuo } from '../../abi/luo.ts'
import { decodeMemblockFdt, MEMBLOCK_NODE } from '../../abi/memblock-fdt.ts'
import type { Blob, GuestView, HostView } from '../../shared/documents/index.ts'
import type { SubjectValues } from '../../shared/documents/subjects.ts'
import type { Result } from '../../shared/result.ts'
import { hex } from '../../shared/units.ts'
import { fdtTotalSize } from '../../abi/fdt.ts'
import {
  bytesOf,
  decodedBlob,
  from,
  guest,
  host,
  unobserved,
  value,
  type Look,
  type Observer,
  type ObserversOf,
} from '../side.ts'

/** The bytes of one subtree that this kernel passes on, as each side shows them. */
const guestSubtree = (view: GuestView, name: string): Look<Blob> =>
  from(view.outSubtrees, 'out/sub_fdts', (subtrees) => {
    const blob = Object.hasOwn(subtrees, name) ? subtrees[name] : undefined
    return blob === undefined ? unobserved(`out/sub_fdts has no ${name}`) : value(blob)
  })

const hostSubtree = (view: HostView, name: string): Look<Blob> =>
  from(view.outRoot, 'the KHO root in RAM', (root) => {
    const subtree = root.subtrees.find((candidate) => candidate.name === name)
    return subtree === undefined ? unobserved(`the KHO root in RAM has no sub node ${name}`) : from(subtree.blob, name, value)
  })

/** Both sides decode the same blob with the same decoder. */
export function onSubtree<T, V>(name: string, decode: (bytes: Uint8Array) => Result<T>, extract: (found: T) => V): Observer<V> {
  const look = (blob: Look<Blob>): Look<V> =>
    'unobserved' in blob ? blob : decodedBlob(blob.value, name, decode, (found) => value(extract(found)))
  return { guest: guest((view) => look(guestSubtree(view, name))), host: host((view) => look(hostSubtree(view, name))) }
}

export const treeObservers: ObserversOf<
  'tree.root' | 'tree.bytes' | 'tree.kexec-metadata' | 'tree.memblock' | 'tree.regions' | 'tree.LUO'
> = {
  'tree.root': {
    guest: guest((view) =>
      from(view.outFdt, 'out/fdt', (blob) => {
        const declared = fdtTotalSize(bytesOf(blob) ?? new Uint8Array())
        return declared !== undefined && declared !== blob.size
          ? unobserved(`out/fdt is cut off: debugfs returns ${blob.size} bytes of a blob whose header says ${declared}`)
          : decodedBlob(blob, 'out/fdt', decodeKhoRoot, (root) => value(rootValue(root)))
      }),
    ),
    host: host((view) =>
      from(view.outRoot, 'the KHO root in RAM', ({ blob }) =>
        decodedBlob(blob, 'the KHO root in RAM', decodeKhoRoot, (root) => value(rootValue(root))),
      ),
    ),
  },
  'tree.bytes': {
    guest: guest((_view, { next, claim }) =>
      next === undefined
        ? unobserved(`only the next boot's in/fdt shows all of it, and boot ${claim.hop + 1} was not observed`)
        : from(next.guest.inFdt, "the next boot's in/fdt", allBytes),
    ),
    host: host((view) => from(view.outRoot, 'the KHO root in RAM', ({ blob }) => allBytes(blob))),
  },
  'tree.kexec-metadata': onSubtree('kexec-metadata', decodeKexecMetadata, ({ version, previousRelease, kexecCount }) => ({
    version,
    previousRelease,
    kexecCount,
  })),
  'tree.memblock': onSubtree('memblock', decodeMemblockFdt, ({ compatible, regions }) => ({
    compatible,
    regions: regions.map(({ name, size }) => ({ name, size: hex(size) })),
  })),
  'tree.regions': {
    guest: guest((view) => from(view.outSubtrees, 'out/sub_fdts', (subtrees) => value(Object.hasOwn(subtrees, MEMBLOCK_NODE)))),
    host: host((view) =>
      from(view.outRoot, 'the KHO root in RAM', ({ subtrees }) => value(subtrees.some(({ name }) => name === MEMBLOCK_NODE))),
    ),
  },
  'tree.LUO': onSubtree('LUO', decodeLuo, ({ compatible, liveupdateNumber }) => ({ compatible, liveupdateNumber })),
}

const allBytes = (blob: Blob): Look<SubjectValues['tree.bytes']> =>
  blob.hex === undefined ? unobserved('the bytes are not in the observation') : value({ size: blob.size, hex: blob.hex })

/** A sub node that kho_retrieve_subtree() would refuse has no size that counts: it shows as 0. */
function rootValue(root: KhoRoot): SubjectValues['tree.root'] {
  const subtrees = [
    ...root.subtrees.map(({ name, size }) => ({ name, size })),
    ...root.broken.map(({ name }) => ({ name, size: 0 })),
  ]
  return { compatible: root.compatible, totalSize: root.totalSize, subtrees }
}
