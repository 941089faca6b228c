import type { z } from 'zod'
import type { Basis } from '../../shared/documents/index.ts'
import { JsonValue, type Json } from '../../shared/json.ts'
import { hex } from '../../shared/units.ts'
import { whyNoSchedule } from '../boot/first-boot.ts'
import { isRandom } from '../boot/kaslr.ts'
import { bootRules, type FirstBootInputs } from '../boot/rules.ts'
import { FIRST_BOOT } from '../boot/schedule.ts'
import type { Boot } from '../boots.ts'
import { byRule, givenOf, hostGiven, unpredicted, type Prediction } from '../claim.ts'
import { whyRamUnknown } from '../firmware-map.ts'

/** Every early reservation has a part in where scratch lies. */
export const SCHEDULE: readonly Basis[] = [...new Map(FIRST_BOOT.map(({ basis }) => [basis.function, basis])).values()]

/**
 * From the schedule of the first boot: at once where nothing is left to chance, else as soon as it is known what the guest
 * runs under and where KASLR has put the kernel. `value`: what the rule's answer is.
 */
export function scheduled<T>(
  boot: Boot,
  scratchAlignment: number,
  rule: keyof typeof bootRules,
  value: z.ZodType<T>,
): Exclude<Prediction, { kind: 'value' }> | { readonly value: T } {
  const reason = whyNotScheduled(boot)
  const { build } = boot.kernel
  if (reason !== undefined || build === undefined) return unpredicted(reason ?? NO_BUILD)
  const { experiment, kernel, cmdline } = boot
  const { type, memory, cpus, nodes } = experiment.machine
  const random = isRandom({ build, cmdline })
  const inputs: FirstBootInputs = {
    machine: { type, memory, cpus, nodes: nodes.map((node) => ({ memory: node.memory })) },
    build,
    initrdSize: kernel.initrdSize,
    cmdline,
    scratchAlignment,
    ...(random ? {} : { kernelBase: hex(kernel.header.prefAddress) }),
  }
  const given = [
    ...(experiment.accelerator === 'tcg' ? [] : [hostGiven('host.accelerator')]),
    ...(random ? [givenOf(boot.hop, 'kernel.base'), givenOf(boot.hop, 'kernel.addressSpace')] : []),
  ]
  if (given.length > 0) return byRule(rule, plain(inputs), given)
  const answer = bootRules[rule].apply(plain(inputs), {}, boot.context)
  return answer.ok ? { value: value.parse(answer.value) } : unpredicted(answer.error)
}

const NO_BUILD = 'needs the sizes of structures in this kernel, which only a kernel that the lab built can tell'

function whyNotScheduled({ hop, experiment, kernel: { build }, cmdline, memoryUnknown }: Boot): string | undefined {
  if (memoryUnknown !== undefined) return memoryUnknown
  if (hop > 0) return 'what a kernel reserves that kexec started without a handover is not modelled'
  if (build === undefined) return NO_BUILD
  return whyRamUnknown(experiment) ?? whyNoSchedule({ build, cmdline })
}

/** Inputs are JSON by their type, but for keys that may be absent. */
const plain = (inputs: FirstBootInputs): Json => JsonValue.parse(JSON.parse(JSON.stringify(inputs)))
