import type { SubjectValues } from '../../shared/documents/index.ts'
import { JsonValue } from '../../shared/json.ts'
import type { Result } from '../../shared/result.ts'
import { isRandom } from '../boot/kaslr.ts'
import { whyScheduleUnknown } from '../behaviour.ts'
import { whyNoSchedule } from '../boot/first-boot.ts'
import { handedRegions, type Boot } from '../boots.ts'
import { byRule, givenOf, hostGiven, unpredicted, type Prediction } from '../claim.ts'
import { whyRamUnknown } from '../firmware-map.ts'
import { MEMORY_ANSWERS, type MemoryAnswer } from '../memory-answers.ts'
import { memoryOf, plainMachine, type memoryRules } from '../memory-rules.ts'
import { LUO_NODE } from '../root-fdt.ts'
import type { RunningMemory } from '../zones/running.ts'

/** The boot before has handed something over, and this kernel takes it. */
export const wasGiven = ({ kho: state }: Boot): boolean => state.kind !== 'unknown' && state.received

export type Answer<T> = Exclude<Prediction, { kind: 'value' }> | { readonly value: T }

/** At once where nothing is left to chance, else when it is known what the guest gives. */
export function answered<S extends MemoryAnswer>(boot: Boot, subject: S, part?: string): Answer<SubjectValues[S]> {
  const more = { subject, ...(part === undefined ? {} : { part }) }
  return asked(boot, 'running-memory', more, (memory) => MEMORY_ANSWERS[subject](memory, part) as Result<SubjectValues[S]>)
}

/** A rule about the memory of this boot, and what it answers where nothing has to be given. */
export function asked<T>(
  boot: Boot,
  rule: keyof typeof memoryRules,
  more: { readonly [key: string]: string },
  answer: (memory: RunningMemory) => Result<T>,
): Answer<T> {
  const reason = boot.kho.kind === 'unknown' ? boot.kho.reason : whyNoMemory(boot)
  if (reason !== undefined) return unpredicted(reason)
  const { hop, experiment, context, previous } = boot
  const restored = previous?.options.liveupdate === true && boot.options.kho ? [LUO_NODE] : []
  const machine = plainMachine(experiment.machine)
  const inputs = { hop, machine, start: startOf(boot), restored, ...(readsTable(boot) ? { takenBack: takenBack(boot) } : {}) }
  const given = givensOf(boot)
  if (given.length > 0) return byRule(rule, JsonValue.parse({ ...inputs, ...more }), given)
  const found = memoryOf(inputs, {}, context)
  const value = found.ok ? answer(found.value) : found
  return value.ok ? { value: value.value } : unpredicted(value.error)
}

function startOf(boot: Boot): 'firmware' | 'handover' | 'rejected' | 'kexec' {
  if (boot.previous === undefined) return 'firmware'
  if (wasGiven(boot)) return 'handover'
  return wasRejected(boot) ? 'rejected' : 'kexec'
}

/** The boot before handed something over that this kernel cannot read. */
export const wasRejected = (boot: Boot): boolean => boot.previous?.kho.kind === 'on' && !wasGiven(boot)

/** Also of every boot after it: each kernel hands on the map that it was given. */
const whyLoadUnknown = ({ hop, experiment: { faults } }: Boot): string | undefined =>
  faults.some((fault) => fault.fault === 'kexec-load' && fault.hop <= hop)
    ? 'the program that calls kexec_load(2) decides about the memory map and where the kernel lies'
    : undefined

/** khoprobe is loaded in every boot once any has a step for it, and the table that it finds it takes back. */
const readsTable = (boot: Boot): boolean => wasGiven(boot) && boot.previous?.plan.table === true

/** Also a set of which it is not known whether it came over: the given table has it then, and restoring it cannot fail. */
const takenBack = ({ plan }: Boot): string[] =>
  plan.steps.flatMap(({ step, result }) =>
    step.step === 'restore' &&
    (result === 'ok' || (result === undefined && plan.inherited.some(({ name }) => name === step.name)))
      ? [step.name]
      : [],
  )

const NO_BUILD =
  'needs the configuration and the sizes of structures of this kernel, which only a kernel that the lab built can tell'

/** Why the model does not know the memory of this boot; undefined where it does. */
export function whyNoMemory(boot: Boot): string | undefined {
  const { experiment, cmdline, memoryUnknown, kernel } = boot
  const { build } = kernel
  if (memoryUnknown !== undefined) return memoryUnknown
  if (build === undefined) return NO_BUILD
  const unread = whyScheduleUnknown(kernel.release)
  if (unread !== undefined) return unread
  return whyLoadUnknown(boot) ?? whyRamUnknown(experiment) ?? whyNoSchedule({ build, cmdline })
}

/** All that a boot starts from and that only the guest and its host can tell. */
function givensOf(boot: Boot): readonly string[] {
  const { hop, experiment, kernel, cmdline, previous } = boot
  const random = kernel.build !== undefined && isRandom({ build: kernel.build, cmdline })
  const own = [
    ...(experiment.accelerator === 'tcg' ? [] : [hostGiven('host.accelerator')]),
    ...(random ? [givenOf(hop, 'kernel.base'), givenOf(hop, 'kernel.addressSpace')] : []),
  ]
  if (previous === undefined) return own
  const received = wasGiven(boot)
  const handed = ['scratch.regions', 'preserved.runs', 'preserved.nodes', 'tree.addresses'] as const
  const names = [
    ...(received ? handed : (['kexec.segments'] as const)),
    ...(received && handedRegions(previous).length > 0 ? (['tree.memblockRegions'] as const) : []),
    ...(readsTable(boot) ? (['workload.memory'] as const) : []),
  ]
  return [...own, ...names.map((name) => givenOf(previous.hop, name))]
}
