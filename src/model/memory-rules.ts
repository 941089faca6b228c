import { z } from 'zod'
import { eachRunIn } from '../abi/record-list.ts'
import { Hex, PreservedRecord, ScratchRegion } from '../shared/documents/common.ts'
import type { Experiment } from '../shared/documents/index.ts'
import { canonicalJson, type Json } from '../shared/json.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { bytes, fromHex, hex, PAGE_SIZE, roundDown } from '../shared/units.ts'
import { behaviourOf, builtWithout, rulesMissing, whyScheduleUnknown } from './behaviour.ts'
import { bootInput, tcgProcessor, type FirstBoot } from './boot/first-boot.ts'
import { handedBootInput, kexecBootInput, type KexecBoot } from './boot/kexec-boot.ts'
import { NOT_RANDOM, type BootInput, type Handover } from './boot/input.ts'
import { isRandom, randomnessOf } from './boot/kaslr.ts'
import { KHO_BOOT } from './boot/kho-boot.ts'
import { namedReservations } from './boot/named-reservations.ts'
import { bootMemory, FIRST_BOOT } from './boot/schedule.ts'
import { defineRule, type Rule, type RuleContext } from './rule.ts'
import type { Span } from './firmware-map.ts'
import { khoLines } from './log/kho-lines.ts'
import { MEMORY_ANSWERS, type MemoryAnswer } from './memory-answers.ts'
import { WorkloadMemory, takenBackSpans } from './workload/taken-back.ts'
import { runningMemory, type RunningMemory } from './zones/running.ts'

const Size = z.int().nonnegative().transform(bytes)

/**
 * The kernel and its command line are those of boot `hop` in the prediction. `start`: what it was started by: the firmware, or kexec,
 * with a handover that it takes, with one that it rejects, or without any.
 */
const Inputs = z.strictObject({
  hop: z.int().nonnegative(),
  machine: z.strictObject({
    type: z.enum(['q35', 'pc']),
    memory: Size,
    cpus: z.int().positive(),
    nodes: z.array(z.strictObject({ memory: Size })).min(1),
  }),
  start: z.enum(['firmware', 'handover', 'rejected', 'kexec']),
  /** Sub nodes of the tree of the boot before whose page this kernel gives to the page allocator. */
  restored: z.array(z.string()),
  /** Sets of which khoprobe has taken back more than their lists; absent where it finds no table. */
  takenBack: z.array(z.string()).optional(),
})
type Asked = z.output<typeof Inputs>

/** The part of a machine that memory depends on. */
export const plainMachine = ({ type, memory, cpus, nodes }: Experiment['machine']): Asked['machine'] => ({
  type,
  memory,
  cpus,
  nodes: nodes.map((node) => ({ memory: node.memory })),
})

/** Those of the kernel are of the boot itself, all others of the boot before. */
const Given = z.object({
  'host.accelerator': z.object({ used: z.enum(['tcg', 'kvm']), cpuModel: z.string() }).optional(),
  'kernel.base': Hex.optional(),
  'kernel.addressSpace': z
    .object({ pageOffsetBase: Hex, vmemmapBase: Hex, entryAreas: z.array(z.int().nonnegative()) })
    .optional(),
  'scratch.regions': z.array(ScratchRegion).optional(),
  'preserved.runs': z.array(PreservedRecord).optional(),
  'preserved.nodes': z.array(Hex).optional(),
  'tree.addresses': z.record(z.string(), Hex).optional(),
  'kexec.segments': z.array(z.object({ name: z.string().optional(), start: Hex })).optional(),
  'tree.memblockRegions': z.array(z.object({ name: z.string(), start: Hex, size: Hex })).optional(),
  'workload.memory': WorkloadMemory.optional(),
})
type Known = z.output<typeof Given>

/** What is known of a boot whichever way it was started. */
function commonOf({ hop, machine }: Asked, given: Known, { kernels, cmdlines }: RuleContext): Result<FirstBoot> {
  const kernel = kernels[hop]
  const cmdline = cmdlines[hop]
  if (kernel?.build === undefined || cmdline === undefined) return err('nothing is known of how this kernel was built')
  const behaviour = behaviourOf(kernel.release)
  if (behaviour === undefined) return err(rulesMissing(kernel.release))
  const unread = whyScheduleUnknown(kernel.release)
  if (unread !== undefined) return err(unread)
  if (given['host.accelerator']?.used === 'kvm')
    return err('which page tables the processor of this host gives to a guest under KVM is not modelled')
  const { build, initrdSize } = kernel
  const { scratchAlignment } = behaviour
  return ok({ machine, build, initrdSize, cmdline, processor: tcgProcessor(cmdline), scratchAlignment })
}

function inputOf(asked: Asked, given: Known, context: RuleContext): Result<BootInput> {
  const common = commonOf(asked, given, context)
  if (!common.ok) return common
  const boot = common.value
  const kernel = context.kernels[asked.hop]
  if (kernel === undefined) return err('there is no such boot')
  const base = given['kernel.base']
  const drawn = given['kernel.addressSpace']
  if (isRandom(boot) && (base === undefined || drawn === undefined)) return err('where KASLR has put the kernel is not known')
  const random = drawn === undefined ? NOT_RANDOM : randomnessOf(drawn, boot.build, boot.processor)
  if (asked.start === 'firmware')
    return ok(bootInput(boot, base === undefined ? kernel.header.prefAddress : fromHex(base), random))
  const kernelBase = base === undefined ? undefined : fromHex(base)
  const started: KexecBoot = { ...boot, kernel, kernelBase, random }
  return asked.start === 'handover' ? received(started, asked, given, context) : loadedOnly(started, asked, given, context)
}

function received(boot: KexecBoot, asked: Asked, given: Known, { kernels }: RuleContext): Result<BootInput> {
  const handover = handoverOf(asked, given)
  if (!handover.ok) return handover
  const purgatorySize = kernels[asked.hop - 1]?.purgatorySize
  if (purgatorySize === undefined) return err("the size of the loading kernel's purgatory is not known")
  return handedBootInput(boot, handover.value, purgatorySize)
}

/** Where no handover says it, the loading kernel has said where the segments lie. */
function loadedOnly(boot: KexecBoot, { hop, start }: Asked, given: Known, { kernels }: RuleContext): Result<BootInput> {
  const startOf = (name: string): number | undefined => {
    const segment = given['kexec.segments']?.find((candidate) => candidate.name === name)
    return segment === undefined ? undefined : fromHex(segment.start)
  }
  const [bootParams, kernel] = [startOf('boot_params'), startOf('kernel')]
  if (bootParams === undefined || kernel === undefined) return err('where the segments were loaded is not known')
  const loading = kernels[hop - 1]
  const withoutKho = loading !== undefined && builtWithout(loading)
  return ok(kexecBootInput(boot, { bootParams, kernel, initrd: startOf('initrd') }, { kho: start === 'rejected', withoutKho }))
}

function handoverOf({ restored, takenBack }: Asked, given: Known): Result<Omit<Handover, 'array'>> {
  const { 'scratch.regions': scratch, 'preserved.runs': records, 'preserved.nodes': nodes } = given
  const addresses = given['tree.addresses']
  if (scratch === undefined || records === undefined || nodes === undefined || addresses === undefined)
    return err('what was handed over is not known')
  const back = spansTakenBack(takenBack, given['workload.memory'])
  if (!back.ok) return back
  const placed = ({ start, size }: { start: string; size: string }) => ({ start: fromHex(start), size: fromHex(size) })
  return ok({
    scratch: scratch.map(placed),
    records: eachRunIn(records),
    nodes: nodes.map(fromHex),
    regions: (given['tree.memblockRegions'] ?? []).map((region) => ({ name: region.name, ...placed(region) })),
    restored: restored.flatMap((name) => {
      const address = addresses[name]
      return address === undefined ? [] : [roundDown(fromHex(address), PAGE_SIZE)]
    }),
    takenBack: back.value,
  })
}

function spansTakenBack(sets: Asked['takenBack'], memory: Known['workload.memory']): Result<readonly Span[]> {
  if (sets === undefined) return ok([])
  return memory === undefined
    ? err('what khoprobe of the boot before has handed over is not known')
    : ok(takenBackSpans(memory, sets))
}

function boot(asked: Asked, given: Known, context: RuleContext): Result<RunningMemory> {
  const input = inputOf(asked, given, context)
  if (!input.ok) return input
  const booted = bootMemory(input.value, undefined, asked.start === 'handover' ? KHO_BOOT : FIRST_BOOT)
  return booted.ok ? ok(runningMemory(booted.value, input.value)) : booted
}

/** The memory of a running kernel, worked out once for all claims about it. */
export const memoryOf = (asked: Asked, given: Known, context: RuleContext): Result<RunningMemory> =>
  context.once.get(canonicalJson([asked, given]), () => boot(asked, given, context))

/** `subject` of the answers, of `part` where it has several. */
const Question = Inputs.extend({
  subject: z.string().refine((name): name is MemoryAnswer => Object.hasOwn(MEMORY_ANSWERS, name), 'no such subject'),
  part: z.string().optional(),
})

export const memoryRules = {
  'running-memory': defineRule(Question, Given, ({ subject, part, ...asked }, given, context): Result<Json> => {
    const memory = memoryOf(asked, given, context)
    return memory.ok ? MEMORY_ANSWERS[subject](memory.value, part) : memory
  }),
  /** What no claim asks and a map shows: which step of the boot holds each reservation at its end. */
  'early-reservations': defineRule(Question, Given, ({ subject: _subject, part: _part, ...asked }, given, context) => {
    const memory = memoryOf(asked, given, context)
    if (!memory.ok) return memory
    return ok(namedReservations(memory.value.booted).map(({ name, start, end }) => ({ name, start: hex(start), end: hex(end) })))
  }),
  'kho-lines': defineRule(Inputs.extend({ execFrom: z.string().optional() }), Given, ({ execFrom, ...asked }, given, context) => {
    const memory = memoryOf(asked, given, context)
    return memory.ok ? ok(khoLines(memory.value, execFrom)) : memory
  }),
} satisfies Record<string, Rule>
