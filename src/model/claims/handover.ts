import type { PredictedClaim } from '../../shared/documents/index.ts'
import { handedRegions, type Boot, type KhoOn } from '../boots.ts'
import { byRule, bzImage64, claim, givenOf, kho, khoDebugfs, memblock, unpredicted, x86Setup } from '../claim.ts'
import { NO_LOG_ROOM, overflowsLog } from '../workload/log-room.ts'
import { nodeSpans } from '../firmware-map.ts'
import { LUO_NODE } from '../root-fdt.ts'
import { answered } from './memory-answer.ts'

/**
 * What this kernel must find of what the boot before handed over. With kho=off it takes the memory but does not show the tree.
 */
export function handoverClaims(boot: Boot, previous: Boot, before: KhoOn): readonly PredictedClaim[] {
  const from = previous.hop
  return [
    ...(boot.kho.kind === 'on' ? shownClaims(boot, previous, before, boot.kho) : []),
    claim(
      boot,
      'handover.reserved',
      'Every preserved page is reserved before the page allocator starts',
      kho('kho_mem_retrieve', 'kho_preserved_memory_reserve'),
      overflowsLog(boot.experiment)
        ? unpredicted(NO_LOG_ROOM)
        : byRule('records-reserved', {}, [givenOf(from, 'preserved.records')]),
    ),
    ...(previous.kernel.hasOwnTests === true ? [] : [contentClaim(boot, previous), ...marksClaim(boot, previous)]),
    claim(
      boot,
      'handover.setupData',
      'setup_data names the tree and the scratch array',
      [...bzImage64('setup_kho'), ...x86Setup('add_kho')],
      boot.memoryUnknown !== undefined
        ? unpredicted(boot.memoryUnknown)
        : byRule('kho-setup-data', { scratchCount: nodeSpans(boot.experiment.machine).length + 2 }, [
            givenOf(from, 'tree.address'),
          ]),
    ),
  ]
}

/** What kho_init() (7.3) of an enabled KHO shows, and what its own tree repeats. */
function shownClaims(boot: Boot, previous: Boot, before: KhoOn, state: KhoOn): readonly PredictedClaim[] {
  return [
    claim(
      boot,
      'handover.inFdt',
      'The tree that was given is the tree that was built',
      [...kho('kho_populate'), ...khoDebugfs('kho_in_debugfs_init')],
      byRule('handed-over-fdt', {}, [givenOf(previous.hop, 'tree.blob')]),
    ),
    claim(boot, 'handover.message', 'The kernel says who started it', kho('kho_in_kexec_metadata'), {
      value: `exec from: ${previous.kernel.release} (count ${before.kexecCount})`,
    }),
    ...(handedRegions(boot).length === 0 || state.regions === 'open' ? [] : [reserveMemClaim(boot, state, previous.hop)]),
  ]
}

/** Regions of this boot; where none is new, their places are those of the boot before. */
const reserveMemClaim = (boot: Boot, state: KhoOn, from: number): PredictedClaim =>
  claim(
    boot,
    'handover.reserveMem',
    'Where the reserve_mem regions are: those of the boot before where they were',
    memblock('reserve_mem', 'reserve_mem_kho_revive'),
    state.regions === 'revived'
      ? byRule('regions-revived', { regions: boot.options.reserveMem.map(({ name, size }) => ({ name, size })) }, [
          givenOf(from, 'tree.memblockRegions'),
        ])
      : answered(boot, 'handover.reserveMem'),
  )

/** luo_early_startup() takes the LUO page back and frees it. */
const freedEarly = (boot: Boot, previous: Boot): string[] => (previous.options.liveupdate && boot.options.kho ? [LUO_NODE] : [])

/** Where struct page has its fields is known of kernels that the lab built; of others nothing is said. */
function marksClaim(boot: Boot, previous: Boot): readonly PredictedClaim[] {
  if (boot.kernel.build === undefined) return []
  return [
    claim(
      boot,
      'handover.marks',
      "KHO's mark, with magic and order, on the first page of each record, and on no other",
      kho('kho_preserved_memory_reserve', 'kho_restore_page'),
      byRule('pages-marked', { freed: freedEarly(boot, previous) }, [
        givenOf(previous.hop, 'preserved.records'),
        givenOf(previous.hop, 'tree.addresses'),
      ]),
    ),
  ]
}

/** luo_early_startup() frees the LUO page; a region's owner may write as soon as the kernel runs. */
function contentClaim(boot: Boot, previous: Boot): PredictedClaim {
  const owned = boot.options.regionsHaveUsers || previous.options.regionsHaveUsers
  const freed = previous.plan.loose.flatMap((record) => (record.freed ? [record.index] : []))
  const written = owned ? handedRegions(previous).map(({ name }) => name) : []
  return claim(
    boot,
    'handover.content',
    'Preserved pages keep their content',
    kho('kho_preserved_memory_reserve', 'kho_mem_retrieve'),
    byRule(
      'content-kept',
      {
        freed: freedEarly(boot, previous),
        written,
        ...(previous.luo.calls.length === 0 ? {} : { serialized: true }),
        ...(freed.length === 0 ? {} : { calls: freed }),
      },
      [
        givenOf(previous.hop, 'preserved.hashes'),
        givenOf(previous.hop, 'tree.addresses'),
        ...(written.length === 0 ? [] : [givenOf(previous.hop, 'tree.memblockRegions')]),
        ...(freed.length === 0 ? [] : [givenOf(previous.hop, 'workload.calls')]),
      ],
    ),
  )
}
