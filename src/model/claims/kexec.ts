import type { PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { byRule, bzImage64, claim, compressed, givenOf, kexecFile, kho, unpredicted } from '../claim.ts'
import type { LoadInputs } from '../kexec-rules.ts'

const basis = [
  ...kexecFile('kexec_locate_mem_hole', 'locate_mem_hole_top_down'),
  ...kho('kho_locate_mem_hole', 'kho_walk_scratch'),
  ...bzImage64('bzImage64_load'),
]

/** Where the kernel of this hop was loaded, by the kernel of the boot before. */
export function kexecClaims(boot: Boot, previous: Boot): readonly PredictedClaim[] {
  switch (previous.kho.kind) {
    case 'unknown':
      return [claim(boot, 'kexec.kernel', KERNEL, basis, unpredicted(previous.kho.reason))]
    case 'off':
      return [
        claim(
          boot,
          'kexec.kernel',
          KERNEL,
          kexecFile('kexec_alloc_contig', 'kexec_walk_resources'),
          unpredicted('without KHO the segments go wherever CMA or the walk over System RAM finds room, which is not modelled'),
        ),
      ]
    case 'on':
      return placementClaims(boot, previous)
  }
}

const KERNEL = 'Where the kernel was loaded'

function placementClaims(boot: Boot, previous: Boot): readonly PredictedClaim[] {
  const inputs = loadInputs(boot, previous)
  const given = [givenOf(previous.hop, 'scratch.regions')]
  const running = claim(
    boot,
    'kexec.running',
    'Where the kernel runs',
    [...basis, ...compressed('choose_random_location')],
    byRule('kexec-kernel', inputs, given),
  )
  return [
    claim(
      boot,
      'kexec.load',
      'kexec_file_load finds room for every segment in scratch',
      basis,
      byRule('kexec-accepts', inputs, given),
    ),
    claim(boot, 'kexec.kernel', KERNEL, basis, byRule('kexec-kernel', inputs, given)),
    ...(boot.options.nokaslr ? [running] : []),
    ...(inputs.initrdSize === 0
      ? []
      : [claim(boot, 'kexec.initrd', 'Where the initrd was loaded', basis, byRule('kexec-initrd', inputs, given))]),
    claim(
      boot,
      'kexec.scratchArray',
      'Where the scratch array was loaded',
      [...basis, ...kho('kho_fill_kimage')],
      byRule('kexec-scratch-array', inputs, given),
    ),
    claim(
      boot,
      'kexec.segments',
      'All segments',
      basis,
      inputs.purgatorySize === undefined
        ? unpredicted("the size of the loading kernel's purgatory is not known")
        : byRule('kexec-segments', inputs, given),
    ),
  ]
}

/** Header, initrd and command line are those of the kernel that is loaded; the purgatory is that of the kernel that loads. */
function loadInputs(boot: Boot, previous: Boot): LoadInputs {
  const { initSize, prefAddress, kernelAlignment } = boot.kernel.header
  const { purgatorySize } = previous.kernel
  return {
    ...(purgatorySize === undefined ? {} : { purgatorySize }),
    cmdlineLength: boot.cmdline.length,
    kernel: { initSize, prefAddress, kernelAlignment },
    initrdSize: boot.kernel.initrdSize,
  }
}
