import type { PredictedClaim } from '../../shared/documents/index.ts'
import { handedRegions, type Boot, type KhoOn } from '../boots.ts'
import { byRule, claim, givenOf, kho, luo, luoFlb, memblock, unpredicted } from '../claim.ts'
import { nodeSpans, toRange } from '../firmware-map.ts'
import { subtreePlan } from '../root-fdt.ts'
import { REGIONS_CHANGED } from './tree.ts'

/** What this boot preserves: the pages of the tree itself, the reserve_mem regions, and the sets of the workload. */
export function preservedClaims(boot: Boot, state: KhoOn): readonly PredictedClaim[] {
  const { hop, options, plan } = boot
  const regions = handedRegions(boot)
  const inputs = {
    subtrees: subtreePlan(options.liveupdate, regions, state.behaviour, plan.table).map(({ name }) => name),
    regions: regions.map(({ name, size }) => ({ name, size })),
    nodes: nodeSpans(boot.experiment.machine).map((spans) => spans.map(toRange)),
    ...(plan.loose.length === 0 ? {} : { calls: plan.loose.map(({ index }) => index) }),
    ...(plan.emptied.length === 0 ? {} : { emptied: plan.emptied.map(({ index }) => index) }),
  }
  const given = [
    givenOf(hop, 'tree.address'),
    givenOf(hop, 'tree.addresses'),
    ...(regions.length === 0 ? [] : [givenOf(hop, 'tree.memblockRegions')]),
    ...(options.liveupdate ? [givenOf(hop, 'tree.luoFlb')] : []),
    ...(plan.table ? [givenOf(hop, 'workload.table')] : []),
    ...(plan.loose.length + plan.emptied.length === 0 ? [] : [givenOf(hop, 'workload.calls')]),
  ]
  const basis = [
    ...kho('kho_alloc_preserve', '__kho_preserve_pages_order', 'kho_radix_add_key'),
    ...memblock('reserved_mem_preserve'),
    ...luo('luo_state_setup'),
    ...luoFlb('luo_flb_setup_outgoing'),
  ]
  const reason = state.regions === 'open' ? REGIONS_CHANGED : nodesUnknown(boot)
  const emptied = plan.withdrawn ? WITHDRAWN : state.regions === 'refused' ? REFUSED : undefined
  const missing = reason === undefined ? undefined : unpredicted(reason)
  return [
    claim(
      boot,
      'preserved.records',
      'Every preserved page of this boot',
      basis,
      missing ?? byRule('preserved-records', inputs, given),
    ),
    claim(
      boot,
      'preserved.radix',
      "Number and contents of the radix tree's node pages",
      basis,
      missing ?? (emptied === undefined ? byRule('preserved-radix', inputs, given) : unpredicted(emptied)),
    ),
  ]
}

const WITHDRAWN =
  'kho_radix_del_key() leaves empty node pages behind, also for sets that were taken back or refused half-way, whose places are not known'

const REFUSED =
  'reserve_mem_init() preserves the page of its FDT, and takes it back when KHO refuses a region: the nodes stay, and where the page was is not known'

/** Regions are split where nodes meet, so nodes matter when there are regions. */
const nodesUnknown = ({ options, memoryUnknown }: Boot): string | undefined =>
  options.reserveMem.length === 0 ? undefined : memoryUnknown

const NONE = { value: { violations: [] } }

const NO_CHECK = 'without CONFIG_KEXEC_HANDOVER_DEBUG a new reserve_mem region is preserved also where it lies inside scratch'
const scratchUnchecked = ({ kernel }: Boot, { regions }: KhoOn): boolean => regions !== 'revived' && kernel.checksScratch !== true

export const invariantClaims = (boot: Boot, state: KhoOn): readonly PredictedClaim[] => [
  claim(
    boot,
    'invariant.preserved-outside-scratch',
    'No preserved page lies in scratch',
    kho('kho_preserve_folio', 'kho_preserve_pages'),
    scratchUnchecked(boot, state) ? unpredicted(NO_CHECK) : NONE,
  ),
  claim(
    boot,
    'invariant.addresses-inside-ram',
    'Every address in the tree lies in RAM',
    kho('kho_add_subtree', 'kho_radix_add_key'),
    NONE,
  ),
  claim(boot, 'invariant.lengths-agree', 'Lengths that say the same agree', kho('kho_add_subtree', 'kho_out_fdt_setup'), NONE),
]
