import type { Basis, PredictedClaim, Subject } from '../../shared/documents/index.ts'
import { fromHex, PAGE_SIZE } from '../../shared/units.ts'
import { builtWithout } from '../behaviour.ts'
import type { Boot } from '../boots.ts'
import {
  byRule,
  bzImage64,
  claim,
  compressed,
  givenOf,
  kexecCore,
  kexecFile,
  kho,
  resource,
  unpredicted,
  type Prediction,
} from '../claim.ts'
import { firmwareMap, processorOf, socketsOf } from '../firmware-map.ts'
import { kexecRules, type LoadInputs } from '../kexec-rules.ts'
import { kexecLoaderClaims } from './loader.ts'

const bzImageLoad = [...kexecFile('kexec_locate_mem_hole', 'locate_mem_hole_top_down'), ...bzImage64('bzImage64_load')]
const IN_SCRATCH = [...bzImageLoad, ...kho('kho_locate_mem_hole', 'kho_walk_scratch')]
const IN_RAM = [...bzImageLoad, ...kexecFile('kexec_walk_resources'), ...resource('walk_system_ram_res_rev')]

/** Where the kernel of this hop was loaded, by the kernel of the boot before. */
export function kexecClaims(boot: Boot, previous: Boot): readonly PredictedClaim[] {
  if (boot.fault?.fault === 'kexec-load')
    return [claim(boot, 'kexec.kernel', KERNEL, kexecCore('do_kexec_load'), unpredicted(PLAIN))]
  const { kho: state, memoryUnknown } = previous
  switch (state.kind) {
    case 'unknown':
      return [claim(boot, 'kexec.kernel', KERNEL, bzImageLoad, unpredicted(state.reason))]
    case 'off':
      return memoryUnknown === undefined
        ? placementClaims(boot, previous, 'System RAM')
        : [claim(boot, 'kexec.kernel', KERNEL, IN_RAM, unpredicted(memoryUnknown))]
    case 'on':
      return placementClaims(boot, previous, 'scratch')
  }
}

const KERNEL = 'Where the kernel was loaded'
const PLAIN = 'kexec_load(2) puts the segments where the program that calls it says, which is not modelled'

function placementClaims(boot: Boot, previous: Boot, where: 'scratch' | 'System RAM'): readonly PredictedClaim[] {
  const inputs = loadInputs(boot, previous, where)
  const basis = where === 'scratch' ? IN_SCRATCH : IN_RAM
  const made = (subject: Subject, title: string, rule: keyof typeof kexecRules, more: readonly Basis[] = []) =>
    claim(boot, subject, title, [...basis, ...more], placed(rule, inputs, previous))
  return [
    made('kexec.load', `kexec_file_load finds room for every segment in ${where}`, 'kexec-accepts'),
    made('kexec.kernel', KERNEL, 'kexec-kernel'),
    ...(boot.options.nokaslr
      ? [made('kexec.running', 'Where the kernel runs', 'kexec-kernel', compressed('choose_random_location'))]
      : []),
    ...(inputs.initrdSize === 0 ? [] : [made('kexec.initrd', 'Where the initrd was loaded', 'kexec-initrd')]),
    ...(where === 'scratch'
      ? [made('kexec.scratchArray', 'Where the scratch array was loaded', 'kexec-scratch-array', kho('kho_fill_kimage'))]
      : []),
    inputs.purgatorySize === undefined
      ? claim(boot, 'kexec.segments', SEGMENTS, basis, unpredicted("the size of the loading kernel's purgatory is not known"))
      : made('kexec.segments', SEGMENTS, 'kexec-segments'),
    ...kexecLoaderClaims(boot, previous, inputs, systemRam(boot)),
  ]
}

const SEGMENTS = 'All segments'

/** From the scratch regions that the loading boot will show; at once where it walks over System RAM. */
function placed(rule: keyof typeof kexecRules, inputs: LoadInputs, previous: Boot): Prediction {
  if (inputs.systemRam === undefined) return byRule(rule, inputs, [givenOf(previous.hop, 'scratch.regions')])
  const answer = kexecRules[rule].apply(inputs, {}, previous.context)
  return answer.ok ? { kind: 'value', value: answer.value } : unpredicted(answer.error)
}

/** Header, initrd and command line are those of the kernel that is loaded; the purgatory is that of the kernel that loads. */
function loadInputs(boot: Boot, previous: Boot, where: 'scratch' | 'System RAM'): LoadInputs {
  const { initSize, prefAddress, kernelAlignment } = boot.kernel.header
  const { purgatorySize } = previous.kernel
  return {
    ...(purgatorySize === undefined ? {} : { purgatorySize }),
    cmdlineLength: boot.cmdline.length,
    kernel: { initSize, prefAddress, kernelAlignment },
    initrdSize: boot.kernel.initrdSize,
    ...(builtWithout(previous.kernel) ? { withoutKho: true } : {}),
    ...(where === 'scratch' ? {} : { systemRam: systemRam(boot) }),
  }
}

/** The RAM of /proc/iomem from the highest to the lowest, without page 0 (trim_bios_range()); no accelerator changes it. */
function systemRam({ experiment: { machine } }: Boot): NonNullable<LoadInputs['systemRam']> {
  return firmwareMap(machine.type, machine.memory, processorOf('tcg', ''), socketsOf(machine))
    .filter(({ type }) => type === 'System RAM')
    .map(({ start, end }) => ({ start: Math.max(fromHex(start), PAGE_SIZE), end: fromHex(end) }))
    .map(({ start, end }) => ({ start, size: end - start }))
    .reverse()
}
