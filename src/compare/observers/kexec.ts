import { decodeBootParams } from '../../abi/boot-params.ts'
import type { KexecSegment } from '../../shared/documents/index.ts'
import { hex } from '../../shared/units.ts'
import {
  decodedBlob,
  from,
  guest,
  host,
  never,
  onHop,
  unobserved,
  value,
  type Context,
  type Look,
  type ObserversOf,
} from '../side.ts'
import { khoSetupData } from './handover.ts'

const LOADED_BY_GUEST = 'segments are seen only as the guest prints them while loading'

/** Segments that the boot before loaded for this one, in the order of kexec_add_buffer. */
const segmentsOf = <T>(extract: (segments: readonly KexecSegment[]) => Look<T>) =>
  onHop<T>((seen) =>
    seen.previous === undefined
      ? unobserved('the boot before, which loaded this kernel, was not observed')
      : from(seen.previous.guest.kexecSegments, 'the KEXEC_FILE_DEBUG list of the boot before', extract),
  )

export const kexecObservers: ObserversOf<
  'kexec.load' | 'kexec.kernel' | 'kexec.running' | 'kexec.initrd' | 'kexec.scratchArray' | 'kexec.segments'
> = {
  'kexec.load': { guest: loadOf, host: never('kexec_file_load answers inside the guest') },
  'kexec.kernel': {
    guest: segmentsOf((segments) => {
      const kernel = segments.find((segment) => segment.name === 'kernel')
      return kernel === undefined
        ? unobserved('the KEXEC_FILE_DEBUG list names no kernel segment')
        : value({ start: kernel.start })
    }),
    host: never(LOADED_BY_GUEST),
  },
  'kexec.running': {
    guest: guest((view) =>
      from(view.iomem, '/proc/iomem', (lines) => {
        const code = lines.find((line) => line.name === 'Kernel code')
        return code === undefined ? unobserved('/proc/iomem has no "Kernel code"') : value({ start: code.start })
      }),
    ),
    host: never('the host finds the banner, not where the code begins'),
  },
  'kexec.initrd': {
    guest: guest((view) =>
      from(view.bootParams, '/sys/kernel/boot_params/data', (blob) =>
        decodedBlob(blob, 'boot_params', decodeBootParams, ({ ramdiskImage, ramdiskSize }) =>
          value({ start: hex(ramdiskImage), size: ramdiskSize }),
        ),
      ),
    ),
    host: never('the lab reads boot_params in the guest'),
  },
  'kexec.scratchArray': {
    guest: guest((view) => khoSetupData(view, (data) => value({ address: hex(data.scratchAddress) }))),
    host: host((view, { hop }) =>
      hop.guest.inFdt.ok
        ? from(view.scratchArray, 'struct kho_scratch[] in RAM', ({ address }) => value({ address }))
        : unobserved('a kernel that does not take the handover has an array of its own'),
    ),
  },
  'kexec.segments': {
    guest: segmentsOf((segments) => value(segments.map(({ start, memsz }) => ({ start, memsz })))),
    host: never(LOADED_BY_GUEST),
  },
}

/** A kernel that runs was accepted; only the kernel's own "no room" is a refusal, anything else that went wrong shows nothing. */
function loadOf(context: Context): Look<{ accepted: boolean }> {
  const { observation, claim } = context
  if (observation.hops.some((hop) => hop.hop === claim.hop)) return value({ accepted: true })
  const { lost } = observation
  const refused =
    lost?.code === 'kexec-refused' &&
    lost.hop >= claim.hop - 1 &&
    lost.hop <= claim.hop &&
    [lost.message, ...lost.evidence].some((line) => /EADDRNOTAVAIL|Cannot assign requested address/i.test(line))
  if (refused && observation.hops.some((hop) => hop.hop === claim.hop - 1)) return value({ accepted: false })
  return unobserved(`boot ${claim.hop} was not observed${lost === undefined ? '' : `: ${lost.message}`}`)
}
