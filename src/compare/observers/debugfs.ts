import { cString } from '../../abi/bytes.ts'
import { fdtTotalSize } from '../../abi/fdt.ts'
import { LUO_COMPATIBLE } from '../../abi/luo.ts'
import type { SubjectValues } from '../../shared/documents/subjects.ts'
import { bytesOf, from, guest, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'

const DEBUGFS_ONLY = 'this is about debugfs, which only the guest shows'

export const debugfsObservers: ObserversOf<'debugfs.outFdt' | 'debugfs.inSubtrees.LUO'> = {
  'debugfs.outFdt': {
    guest: guest((view): Look<SubjectValues['debugfs.outFdt']> => {
      // Absence is an answer only when the guest itself gave it, and its KHO directory was there to look into.
      if (!view.outFdt.ok && view.outFdt.reason.startsWith('ENOENT') && view.khoDirectory.ok && view.khoDirectory.value) {
        return value({ present: false })
      }
      return from(view.outFdt, 'out/fdt', (blob) => {
        const declared = fdtTotalSize(bytesOf(blob) ?? new Uint8Array())
        return declared === undefined
          ? unobserved('out/fdt does not begin with an FDT header')
          : value({ present: true, size: blob.size, headerTotalSize: declared })
      })
    }),
    host: never(DEBUGFS_ONLY),
  },
  'debugfs.inSubtrees.LUO': {
    guest: guest((view) =>
      from(view.inSubtrees, 'in/sub_fdts', (subtrees) => {
        const blob = Object.hasOwn(subtrees, 'LUO') ? subtrees['LUO'] : undefined
        const bytes = blob && bytesOf(blob)
        if (bytes === undefined) return unobserved('in/sub_fdts has no LUO')
        return value({ intact: cString(bytes.subarray(0, 8)) === LUO_COMPATIBLE })
      }),
    ),
    host: never(DEBUGFS_ONLY),
  },
}
