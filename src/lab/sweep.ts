import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { predict } from '../model/predict.ts'
import { resolve } from '../model/resolve.ts'
import { kernelOptions } from '../model/kernel-options.ts'
import type { Experiment, ExperimentInput, KernelFacts, ResolvedClaim, Subject } from '../shared/documents/index.ts'
import { LabError, err, ok, type Result } from '../shared/result.ts'
import { MiB, formatSize, fromHex, parseSize, roundDown } from '../shared/units.ts'
import { parseExperimentYaml } from './experiment-file.ts'

/** What can be swept, and how a value of it is read and written. */
const PARAMETERS = {
  memory: { read: parseSize, unit: MiB, growth: 'doubling', form: 'a size such as 1GiB' },
  cpus: { read: readCount, unit: 1, growth: 'counting', form: 'a whole number from 1' },
  nodes: { read: readCount, unit: 1, growth: 'counting', form: 'a whole number from 1' },
  scratch: { read: readPercent, unit: 1, growth: 'doubling', form: 'a percentage such as 100%' },
} as const satisfies Record<string, Parameter>
export type SweepKey = keyof typeof PARAMETERS

interface Parameter {
  readonly read: (text: string) => number | undefined
  /** Values between FROM and TO are multiples of this. */
  readonly unit: number
  /** Without STEPS. */
  readonly growth: 'doubling' | 'counting'
  readonly form: string
}

/** One experiment parameter and the values that it takes: bytes, counts or percent. */
export interface Sweep {
  readonly key: SweepKey
  readonly values: readonly number[]
}

export interface SweepRow {
  readonly value: number
  /** Bytes. */
  readonly memory: number
  readonly nodes: number
  readonly cpus: number
  /** Whether KHO stays on; absent when it is not predicted. */
  readonly kho?: boolean
  /** Number of scratch regions. */
  readonly regions?: number
  readonly scratch?: SweptScratch
  /** Whether kexec_file_load finds room for the next kernel, its initrd and all else in scratch; absent when not predicted. */
  readonly nextFits?: boolean
  /** Why something of the above is absent or false. */
  readonly why: readonly string[]
}

export interface SweptScratch {
  /** In array order: lowmem, global, one per node with memory. Bytes. */
  readonly regions: readonly { readonly kind: string; readonly size: number }[]
  readonly size: number
  /** Part of the machine's memory, 0 to 1. */
  readonly share: number
}

export interface SweepResult {
  readonly parameter: SweepKey
  /** What was assumed otherwise than the experiment says. */
  readonly assumed: readonly string[]
  readonly rows: readonly SweepRow[]
}

const MOST_STEPS = 200
const HINT = `Write KEY=FROM..TO or KEY=FROM..TO:STEPS, KEY one of ${Object.keys(PARAMETERS).join(', ')}: memory=1GiB..64GiB, cpus=1..8.`
const usage = (message: string): LabError => new LabError({ code: 'usage', message: `--sweep ${message}`, hint: HINT })

/**
 * Reads `KEY=FROM..TO[:STEPS]`. STEPS values lie at even distances; without it sizes and percentages double and counts go up
 * by one, and TO is always the last. Throws LabError usage.
 */
export function parseSweep(text: string): Sweep {
  const [, name = '', first = '', last = '', steps] = /^([^=]*)=(.*?)\.\.([^:]*)(?::(.*))?$/.exec(text) ?? []
  if (name === '') throw usage(`${text}: not KEY=FROM..TO`)
  if (!isKey(name)) throw usage(`${text}: there is no parameter ${name}`)
  const parameter = PARAMETERS[name]
  const [from, to] = [first, last].map((value) => {
    const number = parameter.read(value)
    if (number === undefined || number <= 0) throw usage(`${text}: "${value}" is not ${parameter.form}`)
    return number
  })
  if (from === undefined || to === undefined) throw usage(`${text}: not KEY=FROM..TO`)
  if (from > to) throw usage(`${text}: ${first} is more than ${last}`)
  if (steps !== undefined && (!/^[1-9]\d{0,2}$/.test(steps) || Number(steps) < 2 || Number(steps) > MOST_STEPS))
    throw usage(`${text}: STEPS is a whole number from 2 to ${MOST_STEPS}, not "${steps}"`)
  const values = steps === undefined ? grown(from, to, parameter) : even(from, to, Number(steps), parameter)
  if (values.length > MOST_STEPS) throw usage(`${text}: more than ${MOST_STEPS} values`)
  return { key: name, values }
}

const isKey = (name: string): name is SweepKey => Object.hasOwn(PARAMETERS, name)

function grown(from: number, to: number, { growth }: Parameter): readonly number[] {
  const values: number[] = []
  for (let value = from; value < to && values.length <= MOST_STEPS; value = growth === 'doubling' ? value * 2 : value + 1)
    values.push(value)
  return [...values, to]
}

function even(from: number, to: number, steps: number, { unit }: Parameter): readonly number[] {
  const between = Array.from({ length: steps - 2 }, (_unused, step) =>
    roundDown(Math.floor(from + ((to - from) * (step + 1)) / (steps - 1)), unit),
  )
  return [...new Set([from, ...between.filter((value) => value > from && value < to), to])]
}

function readCount(text: string): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

function readPercent(text: string): number | undefined {
  return /^\d{1,6}%$/.test(text) ? Number(text.slice(0, -1)) : undefined
}

/**
 * One row per value: the experiment's first boot, and the load of the next kernel by it. `kernels`: those of the first boot and
 * of the first hop. Throws LabError usage where the experiment cannot have a value.
 */
export function sweepExperiment(experiment: Experiment, kernels: readonly [KernelFacts, KernelFacts], sweep: Sweep): SweepResult {
  const { plain, assumed } = withoutChance(experiment)
  const experiments = sweep.values.map((value) => ({ value, varied: varied(plain, sweep.key, value) }))
  return { parameter: sweep.key, assumed, rows: experiments.map(({ value, varied: one }) => rowOf(one, kernels, value)) }
}

/** The experiment of one hop, its kernels told not to move, and TCG unless KVM is asked for. */
function withoutChance(experiment: Experiment): { plain: Experiment; assumed: readonly string[] } {
  const [first = { cmdline: '' }, next = first] = experiment.kernels
  const both = [first, next]
  const random = both.some(({ cmdline }) => !isFixed(cmdline))
  const kernels = both.map((kernel) => (isFixed(kernel.cmdline) ? kernel : { ...kernel, cmdline: `${kernel.cmdline} nokaslr` }))
  const accelerator = experiment.accelerator === 'auto' ? 'tcg' : experiment.accelerator
  return {
    plain: { ...experiment, kernels, accelerator, hops: 1 },
    assumed: [
      ...(random ? ['nokaslr on the command line; with KASLR scratch also depends on where the kernel comes to lie'] : []),
      ...(experiment.accelerator === 'auto' ? ["TCG; under KVM scratch also depends on the host's processor"] : []),
    ],
  }
}

const isFixed = (cmdline: string): boolean => cmdline.split(/\s+/).includes('nokaslr')

/** Memory and nodes are divided evenly anew; what else there is stays. */
function varied(experiment: Experiment, key: SweepKey, value: number): Experiment {
  const { nodes } = experiment.machine
  switch (key) {
    case 'memory': {
      const even = completed(experiment, { nodes: nodes.length })
      if (even.ok && !isDeepStrictEqual(even.value.machine.nodes, nodes))
        throw usage('memory: the experiment gives its nodes memory of their own, so it cannot be swept')
      return checked(key, value, completed(experiment, { memory: value, nodes: nodes.length }))
    }
    case 'cpus':
      return checked(key, value, completed(experiment, { cpus: value }))
    case 'nodes':
      return checked(key, value, completed(experiment, { nodes: value }))
    case 'scratch':
      return { ...experiment, kho: { ...experiment.kho, scratch: `${value}%` } }
  }
}

function checked(key: SweepKey, value: number, experiment: Result<Experiment>): Experiment {
  if (experiment.ok) return experiment.value
  throw usage(`${key}: the experiment cannot have ${key === 'memory' ? formatSize(value) : value}: ${experiment.error}`)
}

/** Through the reader of experiment files, so that a sweep takes and refuses what a file could say. */
function completed(experiment: Experiment, machine: NonNullable<ExperimentInput['machine']>): Result<Experiment> {
  const { kernels, ...rest } = experiment
  // Scratch does not depend on what a workload does later.
  const input = { ...rest, workload: [], kernel: kernels, machine: { ...experiment.machine, ...machine } }
  const parsed = parseExperimentYaml(JSON.stringify(input), 'sweep')
  return parsed.ok ? parsed : err(parsed.error.issues.map(({ message }) => message).join('; '))
}

type Claims = ReadonlyMap<string, ResolvedClaim>

function rowOf(experiment: Experiment, kernels: readonly [KernelFacts, KernelFacts], value: number): SweepRow {
  // Nothing here goes into a document that is digested.
  const prediction = predict(experiment, kernels, { experimentSha256: '' })
  const first = byId(resolve(prediction, { 'host.accelerator': { used: experiment.accelerator, cpuModel: '' } }))
  const { memory, nodes, cpus } = experiment.machine
  const machine = { value, memory, nodes: nodes.length, cpus }
  const kho = read(first, 0, 'boot.kho', z.boolean())
  if (kho.ok && !kho.value) {
    const asked = kernelOptions(prediction.cmdlines[0] ?? '', Infinity).kho
    return { ...machine, kho: false, why: [asked ? 'the kernel turns KHO off, as scratch does not fit' : 'KHO is off'] }
  }
  const count = read(first, 0, 'scratch.count', z.number())
  const scratch = scratchOf(first, memory)
  const next = nextFits(prediction, first)
  const failed = [kho, count, scratch, next].flatMap((result) => (result.ok ? [] : [result.error]))
  return {
    ...machine,
    ...(kho.ok ? { kho: kho.value } : {}),
    ...(count.ok ? { regions: count.value } : {}),
    ...(scratch.ok ? { scratch: scratch.value } : {}),
    ...(next.ok ? { nextFits: next.value.fits } : {}),
    why: [...new Set([...failed, ...(next.ok && next.value.why !== undefined ? [next.value.why] : [])])],
  }
}

const byId = (claims: readonly ResolvedClaim[]): Claims => new Map(claims.map((claim) => [claim.id, claim]))

/** What a claim says for certain, or why it does not. */
function read<T>(claims: Claims, hop: number, subject: Subject, schema: z.ZodType<T>): Result<T> {
  const claim = claims.get(`hop${hop}.${subject}`)
  const parsed = schema.safeParse(claim?.predicted)
  return parsed.success ? ok(parsed.data) : err(claim?.unpredicted?.reason ?? `nothing is claimed of ${subject}`)
}

const HexList = z.array(z.string())

function scratchOf(claims: Claims, memory: number): Result<SweptScratch> {
  const sizes = read(claims, 0, 'scratch.sizes', HexList)
  if (!sizes.ok) return sizes
  const order = read(claims, 0, 'scratch.order', z.array(z.object({ kind: z.string() })))
  if (!order.ok) return order
  const regions = order.value.map(({ kind }, index) => ({ kind, size: fromHex(sizes.value[index] ?? '0x0') }))
  const size = regions.reduce((sum, region) => sum + region.size, 0)
  return ok({ regions, size, share: size / memory })
}

/** The segments of the next kernel, placed into the regions that are predicted for the first boot. */
function nextFits(prediction: ReturnType<typeof predict>, first: Claims): Result<{ fits: boolean; why?: string }> {
  const sizes = read(first, 0, 'scratch.sizes', HexList)
  const starts = read(first, 0, 'scratch.addresses', HexList)
  if (!starts.ok) return starts
  if (!sizes.ok) return sizes
  const regions = starts.value.map((start, index) => ({ start, size: sizes.value[index] ?? '0x0' }))
  const hop = byId(resolve(prediction, { 'hop0.scratch.regions': regions }))
  const load = read(hop, 1, 'kexec.load', z.object({ accepted: z.boolean() }))
  if (!load.ok) return load
  if (load.value.accepted) return ok({ fits: true })
  const why = hop.get('hop1.kexec.kernel')?.unpredicted?.reason
  return ok({ fits: false, ...(why === undefined ? {} : { why }) })
}
