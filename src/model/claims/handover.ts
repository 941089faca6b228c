import type { PredictedClaim } from '../../shared/documents/index.ts'
import type { Boot, KhoOn } from '../boots.ts'
import { byRule, bzImage64, claim, givenOf, kho, khoDebugfs, memblock, unpredicted, x86Setup } from '../claim.ts'
import { NO_LOG_ROOM, overflowsLog } from '../workload/log-room.ts'
import { nodeSpans } from '../firmware-map.ts'
import { LUO_NODE } from '../root-fdt.ts'
import { REGIONS_CHANGED } from './tree.ts'

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
  const regions = revived(boot, previous)
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
    ...(regions.length === 0 ? [] : [reserveMemClaim(boot, state, regions, previous.hop)]),
  ]
}

/** Regions of this boot that the boot before had as well, with their size. */
const revived = (boot: Boot, previous: Boot) =>
  boot.options.reserveMem
    .filter(({ name, size }) => previous.options.reserveMem.some((region) => region.name === name && region.size === size))
    .map(({ name, size }) => ({ name, size }))

const reserveMemClaim = (
  boot: Boot,
  state: KhoOn,
  regions: readonly { readonly name: string; readonly size: number }[],
  from: number,
): PredictedClaim =>
  claim(
    boot,
    'handover.reserveMem',
    'reserve_mem regions are where they were',
    memblock('reserve_mem_kho_revive'),
    state.regionsKnown
      ? byRule('regions-revived', { regions }, [givenOf(from, 'tree.memblockRegions')])
      : unpredicted(REGIONS_CHANGED),
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
  const written = owned ? previous.options.reserveMem.map(({ name }) => name) : []
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
