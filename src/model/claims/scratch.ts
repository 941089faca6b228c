import { z } from 'zod'
import type { PredictedClaim } from '../../shared/documents/index.ts'
import { JsonValue, type Json } from '../../shared/json.ts'
import { hex } from '../../shared/units.ts'
import type { Boot } from '../boots.ts'
import { bootRules, type FirstBootInputs } from '../boot/rules.ts'
import { isRandom, whyNoSchedule } from '../boot/first-boot.ts'
import { FIRST_BOOT } from '../boot/schedule.ts'
import { byRule, claim, givenOf, hostGiven, kho, unpredicted, type Prediction } from '../claim.ts'
import type { Behaviour } from '../behaviour.ts'
import { LARGEST_KNOWN_RAM, nodeSpans, ramSpans, toRange, type Span } from '../firmware-map.ts'
import { scratchKinds, scratchSizes } from '../scratch.ts'

/** ARCH_LOW_ADDRESS_LIMIT (include/linux/memblock.h) + 1. */
const LOW_LIMIT = 2 ** 32
const RESERVE = kho('kho_reserve_scratch')
/** Everything that is reserved before has a part in it. */
const SCHEDULE = [...new Map(FIRST_BOOT.map(({ basis }) => [basis.function, basis])).values()]

export function scratchClaims(boot: Boot, behaviour: Behaviour, received: boolean): readonly PredictedClaim[] {
  const nodes = nodeSpans(boot.experiment.machine)
  const kinds = scratchKinds(nodes.length)
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
    ...(received ? [unchanged(boot)] : [sizes(boot, nodes.length, align), addresses(boot, align)]),
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
  return claim(boot, 'scratch.sizes', title, [...parsed, ...SCHEDULE], bySchedule(boot, align, 'first-boot-scratch-sizes'))
}

const addresses = (boot: Boot, align: number): PredictedClaim =>
  claim(boot, 'scratch.addresses', 'Addresses of the scratch regions', SCHEDULE, bySchedule(boot, align, 'first-boot-scratch-addresses'))

/**
 * From the schedule of the first boot: at once where nothing is left to chance, else as soon as it is known what the guest
 * runs under and where KASLR has put the kernel.
 */
function bySchedule(boot: Boot, scratchAlignment: number, rule: keyof typeof bootRules): Exclude<Prediction, { kind: 'value' }> | { value: string[] } {
  const { experiment, kernel: { build, header, initrdSize }, cmdline, memoryUnknown } = boot
  if (memoryUnknown !== undefined) return unpredicted(memoryUnknown)
  if (boot.hop > 0) return unpredicted('what a kernel reserves that kexec started without a handover is not modelled')
  if (build === undefined) return unpredicted('needs the sizes of structures in this kernel, which only a kernel that the lab built can tell')
  if (experiment.machine.memory >= LARGEST_KNOWN_RAM) return unpredicted('where QEMU puts RAM from 900 GiB on is not modelled')
  const reason = whyNoSchedule({ build, cmdline })
  if (reason !== undefined) return unpredicted(reason)
  const { type, memory, cpus, nodes } = experiment.machine
  const random = isRandom({ build, cmdline })
  const inputs: FirstBootInputs = {
    machine: { type, memory, cpus, nodes: nodes.map((node) => ({ memory: node.memory })) },
    build,
    initrdSize,
    cmdline,
    scratchAlignment,
    ...(random ? {} : { kernelBase: hex(header.prefAddress) }),
  }
  const given = [
    ...(experiment.accelerator === 'tcg' ? [] : [hostGiven('host.accelerator')]),
    ...(random ? [givenOf(boot.hop, 'kernel.base')] : []),
  ]
  if (given.length > 0) return byRule(rule, plain(inputs), given)
  const answer = bootRules[rule].apply(plain(inputs), {})
  return answer.ok ? { value: z.array(z.string()).parse(answer.value) } : unpredicted(answer.error)
}

/** Inputs are JSON by their type, but for keys that may be absent. */
const plain = (inputs: FirstBootInputs): Json => JsonValue.parse(JSON.parse(JSON.stringify(inputs)))

const unchanged = (boot: Boot): PredictedClaim =>
  claim(
    boot,
    'scratch.unchanged',
    'Scratch regions are those of the boot before',
    kho('kho_populate', 'kho_memory_init'),
    byRule('scratch-unchanged', {}, [givenOf(boot.hop - 1, 'scratch.regions')]),
  )
