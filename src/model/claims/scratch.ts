import type { PredictedClaim } from '../../shared/documents/index.ts'
import { hex } from '../../shared/units.ts'
import type { Boot } from '../boots.ts'
import { byRule, claim, givenOf, kho, unpredicted } from '../claim.ts'
import type { Behaviour } from '../behaviour.ts'
import { nodeSpans, nodesWithMemory, ramSpans, toRange, type Span } from '../firmware-map.ts'
import { scratchKinds, scratchSizes } from '../scratch.ts'
import { answered } from './memory-answer.ts'
import { SCHEDULE } from './schedules.ts'

/** ARCH_LOW_ADDRESS_LIMIT (include/linux/memblock.h) + 1. */
const LOW_LIMIT = 2 ** 32
const RESERVE = kho('kho_reserve_scratch')

export function scratchClaims(boot: Boot, behaviour: Behaviour, received: boolean): readonly PredictedClaim[] {
  const nodes = nodeSpans(boot.experiment.machine)
  const kinds = scratchKinds(nodesWithMemory(boot.experiment.machine))
  const align = behaviour.scratchAlignment
  const unknown = boot.memoryUnknown === undefined ? undefined : unpredicted(boot.memoryUnknown)
  return [
    claim(
      boot,
      'scratch.count',
      'Number of scratch regions: lowmem, global and one per node with memory',
      RESERVE,
      unknown ?? { value: kinds.length },
    ),
    claim(
      boot,
      'scratch.order',
      'Each scratch region lies in the memory of its kind',
      RESERVE,
      unknown ?? { value: kinds.map((kind, index) => ({ kind, within: within(boot, index, nodes).map(toRange) })) },
    ),
    claim(
      boot,
      'scratch.alignment',
      'Start and size of every scratch region are aligned',
      kho('scratch_size_update', 'scratch_size_node', 'kho_reserve_scratch'),
      { value: { align: hex(align), misaligned: [] } },
    ),
    ...(received ? [unchanged(boot), extended(boot)] : [sizes(boot, nodes.length, align), addresses(boot)]),
  ]
}

function within(boot: Boot, index: number, nodes: readonly (readonly Span[])[]): readonly Span[] {
  const all = ramSpans(boot.experiment.machine.type, boot.experiment.machine.memory)
  if (index === 0) return all.filter(({ end }) => end <= LOW_LIMIT)
  return index === 1 ? all : (nodes[index - 2] ?? [])
}

function sizes(boot: Boot, nodes: number, align: number): PredictedClaim {
  const known = scratchSizes(boot.options.scratch, nodes, align)
  const parsed = kho('kho_parse_scratch_size', 'scratch_size_update', 'scratch_size_node')
  const title = 'Sizes of the scratch regions'
  if (known !== undefined && boot.memoryUnknown === undefined) {
    return claim(boot, 'scratch.sizes', title, parsed, { value: known.map(hex) })
  }
  return claim(boot, 'scratch.sizes', title, [...parsed, ...SCHEDULE], answered(boot, 'scratch.sizes'))
}

const addresses = (boot: Boot): PredictedClaim =>
  claim(boot, 'scratch.addresses', 'Addresses of the scratch regions', SCHEDULE, answered(boot, 'scratch.addresses'))

const unchanged = (boot: Boot): PredictedClaim =>
  claim(
    boot,
    'scratch.unchanged',
    'Scratch regions are those of the boot before',
    kho('kho_populate', 'kho_memory_init'),
    byRule('scratch-unchanged', {}, [givenOf(boot.hop - 1, 'scratch.regions')]),
  )

const extended = (boot: Boot): PredictedClaim =>
  claim(
    boot,
    'scratch.extended',
    'Memory that is allocated from before the page allocator: scratch, and each GiB where nothing is preserved',
    kho('kho_memory_init_early', 'kho_extend_scratch', 'kho_ext_walk_leaf', 'kho_ext_walk_node', 'kho_ext_mark_scratch'),
    answered(boot, 'scratch.extended'),
  )
