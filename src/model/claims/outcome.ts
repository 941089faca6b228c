import type { PredictedClaim } from '../../shared/documents/index.ts'
import { behaviourOf, rulesMissing } from '../behaviour.ts'
import type { Boot } from '../boots.ts'
import {
  byRule,
  claim,
  extable,
  givenOf,
  kexecCore,
  kho,
  khoBlock,
  luo,
  luoSession,
  tasks,
  unpredicted,
  x86Setup,
} from '../claim.ts'

const OUTCOME = 'How this boot goes'
const NOT_BUILT = 'Passed KHO data, but CONFIG_KEXEC_HANDOVER not set. Ignoring.'
const REFUSED = 'What the kernel says about a handover that it does not take'

const EMPTY_BLOCK = [...luoSession('luo_session_insert'), ...khoBlock('kho_block_set_restore'), ...luo('liveupdate_early_init')]

/** Whether the kernel that a kexec started comes up, and whether it takes what the boot before handed over. */
export function outcomeClaims(boot: Boot): readonly PredictedClaim[] {
  const { previous, kho: state, death } = boot
  if (previous === undefined) return []
  if (death !== undefined && boot.fault === undefined)
    return [claim(boot, 'boot.outcome', OUTCOME, EMPTY_BLOCK, { value: death }, 'luo-empty-block')]
  if (death !== undefined) {
    const basis = [
      ...kho('kho_populate', 'kho_memory_init_early', 'kho_extend_scratch', 'kho_radix_walk_tree'),
      ...(death.how === 'panic' ? tasks('make_task_dead') : extable('early_fixup_exception')),
    ]
    return [claim(boot, 'boot.outcome', OUTCOME, basis, { value: death })]
  }
  if (state.kind === 'unknown') return [claim(boot, 'boot.outcome', OUTCOME, kho('kho_populate'), unpredicted(state.reason))]
  return [
    claim(boot, 'boot.outcome', OUTCOME, [...kho('kho_populate', 'kho_fill_kimage'), ...plainLoad(boot)], {
      value: { how: state.received ? 'handover' : 'no-handover' },
    }),
    ...(state.received || previous.kho.kind !== 'on' ? [] : [refusedClaim(boot, previous.hop)]),
  ]
}

const plainLoad = ({ fault }: Boot) => (fault?.fault === 'kexec-load' ? kexecCore('do_kexec_load') : [])

/** A kernel that gets no handover says nothing; one that gets a tree of another format says which it wanted. */
function refusedClaim(boot: Boot, from: number): PredictedClaim {
  if (boot.fault?.fault === 'kexec-load')
    return claim(boot, 'handover.refused', REFUSED, kexecCore('do_kexec_load'), { value: [] })
  if (boot.kho.kind === 'off' && boot.kho.why === 'built')
    return claim(boot, 'handover.refused', REFUSED, x86Setup('add_kho'), { value: [NOT_BUILT] })
  const wanted = behaviourOf(boot.kernel.release)?.khoCompatible
  const prediction =
    wanted === undefined
      ? unpredicted(rulesMissing(boot.kernel.release))
      : byRule('handover-refused', { wanted }, [givenOf(from, 'tree.address')])
  return claim(boot, 'handover.refused', REFUSED, kho('kho_populate'), prediction)
}
