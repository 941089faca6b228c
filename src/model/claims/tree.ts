import type { PredictedClaim } from '../../shared/documents/index.ts'
import { hex } from '../../shared/units.ts'
import type { Behaviour } from '../behaviour.ts'
import { handedRegions, type Boot, type KhoOn } from '../boots.ts'
import { byRule, claim, givenOf, kho, khoDebugfs, luo, memblock, unpredicted } from '../claim.ts'
import { METADATA_NODE, rootFdtSize, subtreePlan } from '../root-fdt.ts'
import { answered, type Answer } from './memory-answer.ts'

/** The handover tree that this boot builds. */
export function treeClaims(boot: Boot, state: KhoOn): readonly PredictedClaim[] {
  const { behaviour } = state
  return [
    ...regionsClaim(boot, state),
    ...(state.regions === 'open' ? rootUnknown(boot) : rootClaims(boot, behaviour)),
    claim(
      boot,
      'tree.kexec-metadata',
      'Release and number of kexecs that the next kernel is told',
      kho('kho_out_kexec_metadata'),
      {
        value: { version: behaviour.metadata.version, previousRelease: boot.kernel.release, kexecCount: state.kexecCount },
      },
    ),
    ...(boot.options.liveupdate
      ? [
          claim(boot, 'tree.LUO', 'Live update state of this boot', luo('luo_state_setup'), {
            value: { compatible: behaviour.luo.compatible, liveupdateNumber: state.liveupdateNumber },
          }),
        ]
      : []),
  ]
}

const basis = [
  ...kho('kho_out_fdt_setup', 'kho_add_subtree', 'kho_kexec_metadata_init'),
  ...luo('luo_state_setup'),
  ...memblock('prepare_kho_fdt'),
]
const ROOT = 'Root FDT: sub nodes, newest first'
const BYTES = 'Root FDT, byte for byte'
const MEMBLOCK = 'Names and sizes of the reserve_mem regions'

function rootClaims(boot: Boot, behaviour: Behaviour): readonly PredictedClaim[] {
  const plan = planOf(boot, behaviour)
  const subtrees = plan.map(({ name, size }) => ({ name, size }))
  const compatible = behaviour.khoCompatible
  return [
    claim(
      boot,
      'tree.root',
      ROOT,
      basis,
      { value: { compatible, totalSize: rootFdtSize(compatible, plan), subtrees: [...subtrees].reverse() } },
      boot.kho.kind === 'on' && boot.kho.regions === 'refused' ? 'reserve-mem-in-scratch' : undefined,
    ),
    claim(
      boot,
      'tree.bytes',
      BYTES,
      basis,
      byRule('root-fdt', { compatible, subtrees }, [givenOf(boot.hop, 'tree.memoryMap'), givenOf(boot.hop, 'tree.addresses')]),
    ),
    ...(handedRegions(boot).length === 0
      ? []
      : [
          claim(boot, 'tree.memblock', MEMBLOCK, memblock('reserve_mem', 'prepare_kho_fdt'), {
            value: {
              compatible: behaviour.memblockCompatible,
              regions: handedRegions(boot).map(({ name, size }) => ({ name, size: hex(size) })),
            },
          }),
        ]),
  ]
}

/** Whether it can be told where regions lie that the boot before did not have, and what the kernel does when that is scratch. */
export function regionsDecidable(boot: Boot): boolean {
  if (boot.kho.kind !== 'on' || boot.kho.regions !== 'open') return false
  const kept = regionsAnswer(boot)
  return 'value' in kept || kept.kind === 'rule'
}

/** Without CONFIG_KEXEC_HANDOVER_DEBUG a region is preserved wherever it lies. */
function regionsAnswer(boot: Boot): Answer<boolean> {
  if (boot.kernel.checksScratch === undefined) return unpredicted(REGIONS_CHANGED)
  return boot.kernel.checksScratch ? answered(boot, 'tree.regions') : { value: true }
}

function regionsClaim(boot: Boot, { regions }: KhoOn): readonly PredictedClaim[] {
  if (regions === 'revived') return []
  return [
    claim(
      boot,
      'tree.regions',
      'The reserve_mem regions are handed over',
      [...memblock('reserve_mem', 'reserved_mem_preserve'), ...kho('kho_scratch_overlap', 'kho_preserve_pages')],
      regionsAnswer(boot),
    ),
  ]
}

export const REGIONS_CHANGED =
  'whether a reserve_mem region that the boot before did not have lies inside scratch, where it cannot be preserved, is not known'

const rootUnknown = (boot: Boot): readonly PredictedClaim[] => [
  claim(boot, 'tree.root', ROOT, basis, unpredicted(REGIONS_CHANGED)),
  claim(boot, 'tree.bytes', BYTES, basis, unpredicted(REGIONS_CHANGED)),
  claim(boot, 'tree.memblock', MEMBLOCK, memblock('reserve_mem', 'prepare_kho_fdt'), unpredicted(REGIONS_CHANGED)),
]

const planOf = (boot: Boot, behaviour: Behaviour) =>
  subtreePlan(boot.options.liveupdate, handedRegions(boot), behaviour, boot.plan.table)

/** What debugfs shows of it. */
export function debugfsClaims(boot: Boot, { behaviour, received }: KhoOn): readonly PredictedClaim[] {
  const title = 'debugfs shows the root FDT as out/fdt'
  if (received) {
    const absent = claim(
      boot,
      'debugfs.outFdt',
      title,
      kho('kho_init'),
      { value: { present: false } },
      'out-fdt-absent-after-kho-boot',
    )
    return boot.previous?.options.liveupdate === true ? [absent, luoPage(boot)] : [absent]
  }
  const compatible = behaviour.khoCompatible
  const plan = planOf(boot, behaviour)
  const size = rootFdtSize(
    compatible,
    plan.filter(({ name }) => name === METADATA_NODE),
  )
  const headerTotalSize = rootFdtSize(compatible, plan)
  return [
    claim(
      boot,
      'debugfs.outFdt',
      title,
      kho('kho_init', 'kho_add_subtree'),
      { value: { present: true, size, headerTotalSize } },
      size < headerTotalSize ? 'out-fdt-truncated' : undefined,
    ),
  ]
}

const luoPage = (boot: Boot): PredictedClaim =>
  claim(
    boot,
    'debugfs.inSubtrees.LUO',
    'in/sub_fdts/LUO still shows what the boot before wrote',
    [...luo('luo_early_startup'), ...khoDebugfs('kho_in_debugfs_init')],
    unpredicted(
      'luo_early_startup() frees this page before debugfs shows it; whether it is used again is up to the page allocator, not modelled',
    ),
  )
