import type { Basis, PredictedClaim, Range, Subject } from '../../shared/documents/index.ts'
import { JsonValue, type Json } from '../../shared/json.ts'
import { MiB, fromHex, hex } from '../../shared/units.ts'
import { isRandom } from '../boot/kaslr.ts'
import { initrdPlace } from '../boot/loader.ts'
import { builtWithout } from '../behaviour.ts'
import type { Boot } from '../boots.ts'
import { byRule, bzImage64, claim, compressed, givenOf, in73, qemu, unpredicted, type Prediction } from '../claim.ts'
import { firmwareMap, processorOf, socketsOf, whyRamUnknown, type Span } from '../firmware-map.ts'
import { possiblePlaces } from '../kaslr-places.ts'
import type { LoadInputs } from '../kexec-rules.ts'
import { loaderRules, placesValue } from '../loader-rules.ts'

/** x86_load_linux(): the command line behind the real-mode part, for every kernel of boot protocol 2.02 or later. */
const QEMU_CMDLINE = '0x20000'
const LOADED = [...qemu('hw/i386/x86.c', 'x86_load_linux'), ...qemu('pc-bios/optionrom/linuxboot_dma.c', 'load_kernel')]
const TITLES = {
  'loader.kernel': 'Where the kernel is, or may be with KASLR',
  'loader.initrd': 'Where the initrd was loaded',
  'loader.cmdline': 'Where the command line was put',
  'loader.bootParams': 'Where the setup code may have boot_params',
  'loader.setupData': 'Where setup_data begins, and what it has',
} as const satisfies { readonly [S in Subject]?: string }

/** What QEMU and its boot ROM put into RAM for a first boot. */
export function firstLoaderClaims(boot: Boot): readonly PredictedClaim[] {
  const { machine } = boot.experiment
  const { kernel } = boot
  const reason = whyRamUnknown(boot.experiment)
  const tooLarge = reason === undefined ? undefined : unpredicted(reason)
  const ram = ramOf(boot)
  const low = ram.find(({ start }) => start === MiB)
  const initrd = initrdPlace(machine.type, machine.memory, kernel.initrdSize, low?.end ?? 0)
  return [
    claim(
      boot,
      'loader.kernel',
      TITLES['loader.kernel'],
      [...LOADED, ...compressed('choose_random_location')],
      tooLarge ?? firstPlace(boot, ram, initrd),
    ),
    ...(kernel.initrdSize === 0
      ? []
      : [
          claim(
            boot,
            'loader.initrd',
            TITLES['loader.initrd'],
            LOADED,
            tooLarge ?? { value: { start: hex(initrd.start), size: kernel.initrdSize } },
          ),
        ]),
    claim(boot, 'loader.cmdline', TITLES['loader.cmdline'], LOADED, { value: { address: QEMU_CMDLINE } }),
    claim(boot, 'loader.bootParams', TITLES['loader.bootParams'], [...LOADED, ...SETUP_CODE], {
      value: bootParamsPlaces(kernel.header),
    }),
    claim(boot, 'loader.setupData', TITLES['loader.setupData'], LOADED, { value: { head: '0x0', types: [] } }),
  ]
}

const SETUP_CODE: readonly Basis[] = [
  ...in73('arch/x86/boot/main.c')('copy_boot_params'),
  ...in73('arch/x86/boot/setup.ld')('.bss'),
]
/** x86_load_linux(): the real-mode part. */
const QEMU_SETUP_CODE = 0x10000
const SECTOR = 512
/** setup_size is a multiple of it; what follows in the file's last block is .bss already. */
const SETUP_SIZE_UNIT = 4096
/** ASSERT(_end <= 0x8000) */
const SETUP_END = 0x8000
/** struct boot_params, in the .bss of the setup code. */
const BOOT_PARAMS = { size: 4096, align: 16 }

/** The linker decides where in its .bss; a bzImage does not tell. */
function bootParamsPlaces({ setupSects }: Boot['kernel']['header']): { align: string; within: Range[] } {
  const size = (setupSects + 1) * SECTOR
  const start = QEMU_SETUP_CODE + Math.max(0, size - SETUP_SIZE_UNIT)
  const end = QEMU_SETUP_CODE + SETUP_END - BOOT_PARAMS.size + BOOT_PARAMS.align
  return { align: hex(BOOT_PARAMS.align), within: [{ start: hex(start), end: hex(end) }] }
}

/** The firmware's RAM; no accelerator changes it. */
const ramOf = ({ experiment: { machine } }: Boot): readonly Span[] =>
  firmwareMap(machine.type, machine.memory, processorOf('tcg', ''), socketsOf(machine))
    .filter(({ type }) => type === 'System RAM')
    .map(({ start, end }) => ({ start: fromHex(start), end: fromHex(end) }))

const NO_BUILD = "needs the kernel's size and alignment, which only a kernel that the lab built can tell"

function firstPlace(boot: Boot, ram: readonly Span[], initrd: Span): Prediction {
  const { header, build } = boot.kernel
  const fixed: Prediction = { kind: 'value', value: { start: hex(header.prefAddress) } }
  if (boot.options.nokaslr) return fixed
  if (build === undefined) return unpredicted(NO_BUILD)
  if (!isRandom({ build, cmdline: boot.cmdline })) return fixed
  const { imageSize, align } = imageOf(build)
  const places = possiblePlaces({
    areas: ram,
    output: header.prefAddress,
    initSize: header.initSize,
    imageSize,
    align,
    avoid: [initrd],
  })
  return { kind: 'value', value: placesValue(places, align) }
}

const imageOf = ({ symbols, numbers }: NonNullable<Boot['kernel']['build']>): { imageSize: number; align: number } => ({
  imageSize: Number(BigInt(symbols._end) - BigInt(symbols._text)),
  align: numbers.physicalAlign,
})

/** What the loading kernel put into its segment of boot_params, and where KASLR may have moved the next one. */
export function kexecLoaderClaims(
  boot: Boot,
  previous: Boot,
  inputs: LoadInputs,
  systemRam: NonNullable<LoadInputs['systemRam']>,
): readonly PredictedClaim[] {
  const { build } = boot.kernel
  const random = build !== undefined && isRandom({ build, cmdline: boot.cmdline })
  const params = bzImage64('bzImage64_load', 'setup_boot_parameters')
  return [
    claim(
      boot,
      'loader.cmdline',
      TITLES['loader.cmdline'],
      [...params, ...bzImage64('setup_cmdline')],
      answered('kexec-cmdline', inputs, inputs, previous),
    ),
    claim(
      boot,
      'loader.setupData',
      TITLES['loader.setupData'],
      [...params, ...bzImage64('setup_kho', 'setup_rng_seed')],
      setupDataKnown(previous) ? answered('kexec-setup-data', inputs, inputs, previous) : unpredicted(OTHER_BUILD),
    ),
    ...(random
      ? [
          claim(
            boot,
            'loader.kernel',
            TITLES['loader.kernel'],
            compressed('choose_random_location', 'process_kho_entries'),
            answered(
              'kexec-places',
              { load: inputs, ...imageOf(build), ...(builtWithout(boot.kernel) ? { ram: upwards(systemRam) } : {}) },
              inputs,
              previous,
            ),
          ),
        ]
      : []),
  ]
}

/** process_kho_entries() is built only with KHO: without it a kernel may go wherever there is RAM. */
const upwards = (ram: NonNullable<LoadInputs['systemRam']>): Span[] =>
  ram.map(({ start, size }) => ({ start, end: start + size })).reverse()

const OTHER_BUILD =
  'a kernel with EFI, IMA or a device tree puts more into setup_data, and this one does not say whether it has them'

/** Of the kernel that loads. */
const setupDataKnown = ({ kernel: { build } }: Boot): boolean =>
  build !== undefined && !build.options.some((option) => option === 'EFI' || option === 'IMA' || option === 'OF')

/** At once where the segments lie in System RAM, else from the scratch regions of the loading boot. */
function answered(rule: keyof typeof loaderRules, inputs: Json | object, load: LoadInputs, previous: Boot): Prediction {
  const plain = JsonValue.parse(JSON.parse(JSON.stringify(inputs)))
  if (load.systemRam === undefined) return byRule(rule, plain, [givenOf(previous.hop, 'scratch.regions')])
  const answer = loaderRules[rule].apply(plain, {}, previous.context)
  return answer.ok ? { kind: 'value', value: answer.value } : unpredicted(answer.error)
}
