import { z } from 'zod'
import { decodeBootParams, type BootParams } from '../../abi/boot-params.ts'
import { Hex, Range, type GuestView } from '../../shared/documents/index.ts'
import { fromHex, hex } from '../../shared/units.ts'
import { decodedBlob, from, guest, host, never, unobserved, value, type Look, type ObserversOf } from '../side.ts'

const IN_GUEST = 'the lab reads boot_params in the guest'

const bootParams = <T>(view: GuestView, extract: (params: BootParams) => Look<T>): Look<T> =>
  from(view.bootParams, '/sys/kernel/boot_params/data', (blob) => decodedBlob(blob, 'boot_params', decodeBootParams, extract))

const Places = z.strictObject({ align: Hex, within: z.array(Range) })

export const loaderObservers: ObserversOf<
  'loader.kernel' | 'loader.initrd' | 'loader.cmdline' | 'loader.setupData' | 'loader.bootParams'
> = {
  'loader.kernel': {
    guest: guest((view, { claim }) =>
      from(view.iomem, '/proc/iomem', (lines) => {
        const start = lines.find((line) => line.name === 'Kernel code')?.start
        if (start === undefined) return unobserved('/proc/iomem has no "Kernel code"')
        return value(placeOf(start, claim.predicted))
      }),
    ),
    host: never('the host finds the banner, not where the code begins'),
  },
  'loader.initrd': {
    guest: guest((view) =>
      bootParams(view, ({ ramdiskImage, ramdiskSize }) => value({ start: hex(ramdiskImage), size: ramdiskSize })),
    ),
    host: never(IN_GUEST),
  },
  'loader.cmdline': {
    guest: guest((view) => bootParams(view, ({ cmdLinePtr }) => value({ address: hex(cmdLinePtr) }))),
    host: never(IN_GUEST),
  },
  'loader.bootParams': {
    guest: never('the kernel does not say where its setup code had boot_params'),
    host: host(({ setupCode }, { claim }) =>
      from(setupCode, 'the setup code in RAM', ({ bootParams: start }) => value(placeOf(start, claim.predicted))),
    ),
  },
  'loader.setupData': {
    guest: guest((view) =>
      from(view.setupData, '/sys/kernel/boot_params/setup_data', (entries) =>
        bootParams(view, ({ setupData }) => value({ head: hex(setupData), types: entries.map(({ type }) => type) })),
      ),
    ),
    host: never(IN_GUEST),
  },
}

/** The ranges that were asked for when the place is in one of them. */
function placeOf(start: string, predicted: unknown): z.output<typeof Places> | { start: string } {
  const asked = Places.safeParse(predicted)
  return asked.success && isOneOf(fromHex(start), asked.data) ? asked.data : { start }
}

const isOneOf = (start: number, { align, within }: z.output<typeof Places>): boolean =>
  start % fromHex(align) === 0 && within.some((range) => start >= fromHex(range.start) && start < fromHex(range.end))
