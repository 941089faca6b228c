import type { PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { cmdlineFits } from '../kexec-placement.ts'
import { claim, kho, khoDebugfs, khoHeader, unpredicted, version, x86Setup } from '../claim.ts'
import { answered, type Answer } from './memory-answer.ts'
import { SCHEDULE } from './schedules.ts'

export function bootClaims(boot: Boot): readonly PredictedClaim[] {
  return [
    claim(boot, 'boot.release', 'Release of the running kernel', version('linux_banner'), { value: boot.kernel.release }),
    claim(
      boot,
      'boot.cmdline',
      'Command line of the running kernel',
      x86Setup('setup_arch'),
      cmdlineFits(boot.cmdline.length)
        ? { value: boot.cmdline }
        : unpredicted('longer than the kernel takes: what it makes of that is not modelled'),
    ),
    khoClaim(boot),
  ]
}

const ON = 'KHO is on and has its debugfs directory'
const WITHOUT = 'KHO is not there: this kernel is built without CONFIG_KEXEC_HANDOVER'
const DISABLED = 'KHO is disabled: no scratch region can be reserved, so the kernel goes on without'

function khoClaim(boot: Boot): PredictedClaim {
  const { kho: state } = boot
  const stays = [...kho('kho_init'), ...khoDebugfs('kho_debugfs_init')]
  if (state.kind === 'unknown') return claim(boot, 'boot.kho', ON, kho('kho_init'), unpredicted(state.reason))
  if (!state.certain) return claim(boot, 'boot.kho', ON, [...kho('kho_init'), ...SCHEDULE], fitOfScratch(boot))
  if (state.kind === 'on') return claim(boot, 'boot.kho', ON, stays, { value: true })
  switch (state.why) {
    case 'asked':
      return claim(boot, 'boot.kho', 'KHO is off, as the command line asks', kho('kho_parse_enable', 'kho_init'), {
        value: false,
      })
    case 'built':
      return claim(boot, 'boot.kho', WITHOUT, khoHeader('kho_is_enabled'), { value: false })
    case 'scratch':
      return claim(boot, 'boot.kho', DISABLED, kho('kho_reserve_scratch', 'kho_init'), { value: false })
  }
}

/** KHO is on as long as the boot that reserved scratch had room for it. */
export function fitOfScratch(boot: Boot): Answer<boolean> {
  let origin = boot
  while (origin.kho.kind === 'on' && origin.kho.received && origin.previous !== undefined) origin = origin.previous
  return answered(origin, 'boot.kho')
}
