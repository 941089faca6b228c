import { z } from 'zod'
import type { PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot } from '../boots.ts'
import { cmdlineFits } from '../kexec-placement.ts'
import { claim, kho, khoDebugfs, unpredicted, version, x86Setup } from '../claim.ts'
import { SCHEDULE, scheduled } from './first-boot.ts'
import { answered } from './memory-answer.ts'

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

const DISABLED = 'KHO is disabled: no scratch region can be reserved, so the kernel goes on without'

function khoClaim(boot: Boot): PredictedClaim {
  const { kho: state } = boot
  const title = 'KHO is on and has its debugfs directory'
  switch (state.kind) {
    case 'unknown':
      return claim(boot, 'boot.kho', title, kho('kho_init'), unpredicted(state.reason))
    case 'off':
      return state.why === 'asked'
        ? claim(boot, 'boot.kho', 'KHO is off, as the command line asks', kho('kho_parse_enable', 'kho_init'), { value: false })
        : claim(boot, 'boot.kho', DISABLED, kho('kho_reserve_scratch', 'kho_init'), { value: false })
    case 'on':
      return state.certain
        ? claim(boot, 'boot.kho', title, [...kho('kho_init'), ...khoDebugfs('kho_debugfs_init')], { value: true })
        : claim(boot, 'boot.kho', title, [...kho('kho_init'), ...SCHEDULE], fitOfScratch(boot, state.behaviour.scratchAlignment))
  }
}

/** KHO is on as long as the boot that reserved scratch had room for it. */
function fitOfScratch(boot: Boot, scratchAlignment: number): ReturnType<typeof scheduled<boolean>> {
  let origin = boot
  while (origin.kho.kind === 'on' && origin.kho.received && origin.previous !== undefined) origin = origin.previous
  return origin.hop > 0 ? answered(origin, 'boot.kho') : scheduled(origin, scratchAlignment, 'first-boot-kho', z.boolean())
}
